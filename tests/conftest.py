"""How hard hypothesis tries: `HYPOTHESIS_PROFILE=nightly` looks further than every day's `ci`."""

import os
import tempfile

from hypothesis import HealthCheck, Phase, settings

# Gateways that a developer has described are no part of what is tested.
os.environ["REELWAY_GATEWAYS"] = ""
# Nor are the jobs that a developer has paid for.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="reelway-state-")
os.environ.pop("REELWAY_LEDGER", None)

# A busy machine is no failure, so no example has a deadline and no strategy is judged by the clock.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

# The same examples at every run: a change fails for what it changes, never by chance.
settings.register_profile("ci", PATIENT, derandomize=True)
settings.register_profile("nightly", PATIENT, max_examples=2000)
# For `nox -s mutation`, which runs the tests thousands of times and only asks whether they fail.
settings.register_profile(
    "mutation", PATIENT, derandomize=True, max_examples=40, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
