from pathlib import Path

from reelway.testing import ProviderContract


class TestContract(ProviderContract):
    provider = "ark"
    samples = Path(__file__).parent / "samples"
    cannot = ("content", "progress", "remix", "signatures")
    suite = 1
