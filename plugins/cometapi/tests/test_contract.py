from pathlib import Path

from reelway.testing import ProviderContract


class TestContract(ProviderContract):
    provider = "cometapi"
    samples = Path(__file__).parent / "samples"
    cannot = ("cancel", "signatures")
    suite = 1
