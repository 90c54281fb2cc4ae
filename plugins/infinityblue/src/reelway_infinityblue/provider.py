"""InfinityBlue: a JSON gateway of the ``/v1/videos`` family with a generic second dialect."""

from reelway.provider.interface import Cadence, Capability, ProviderInfo
from reelway.provider.simulator import Simulator
from reelway.provider.videos_api import VideosApi
from reelway_infinityblue import wire
from reelway_infinityblue.mapping import FORMS
from reelway_infinityblue.models import CATALOG
from reelway_infinityblue.simulator import InfinityBlueSimulator


class InfinityBlue(VideosApi):
    """The provider; its facts are the tables of :mod:`reelway_infinityblue.wire`."""

    info = ProviderInfo(
        name="infinityblue",
        title="InfinityBlue",
        base_url="https://api.getinfinityblue.com",
        key_variable="INFINITYBLUE_API_KEY",
        docs_url="https://newdocs.getinfinityblue.com",
        words=wire.WORDS,
        # Documented: poll every 5 to 10 seconds.
        cadence=Cadence(5, 10),
        capabilities=frozenset({Capability.CONTENT}),
    )
    models = CATALOG
    dialects = wire.DIALECTS
    forms = FORMS
    errors = wire.ERRORS
    failure_codes = wire.FAILURE_CODES

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return InfinityBlueSimulator()
