from pathlib import Path

from reelway.testing import ProviderContract


class TestContract(ProviderContract):
    provider = "videos-api"
    samples = Path(__file__).parent / "samples"
    cannot = ("cancel", "signatures")
    suite = 1
