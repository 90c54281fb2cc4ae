from pathlib import Path

from reelway.testing import ProviderContract


class TestContract(ProviderContract):
    provider = "fal"
    samples = Path(__file__).parent / "samples"
    cannot = ("content", "remix", "progress", "times", "models")
    suite = 1
