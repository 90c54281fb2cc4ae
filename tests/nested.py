"""The environment of a run of pytest that a test starts."""

import os


def own_environment() -> dict[str, str]:
    """This environment without the options meant for the outer run: to spread over workers, to measure coverage."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
