"""The contract of ledgers: what every backend does, told as tests."""

import pytest

# So that a broken rule shows what was compared.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{part}"
        for part in ("attempts", "kit", "model", "paces", "tasks", "threads", "turns", "upkeep", "values")
    )
)
