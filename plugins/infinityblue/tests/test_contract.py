from pathlib import Path

from reelway.testing import ProviderContract


class TestContract(ProviderContract):
    provider = "infinityblue"
    samples = Path(__file__).parent / "samples"
    cannot = ("callbacks", "cancel", "remix", "signatures")
    suite = 1
