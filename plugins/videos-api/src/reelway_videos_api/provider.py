"""OpenAI's Videos API as it is, and gateways that speak the same protocol with differences of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.provider.interface import Cadence, Capability, ProviderInfo
from reelway.provider.models import Catalog
from reelway.provider.readers import Place
from reelway.provider.simulator import Simulator
from reelway.provider.videos_api import Dialect, VideosApi
from reelway.provider.words import fold
from reelway_videos_api import wire
from reelway_videos_api.mapping import form_of
from reelway_videos_api.models import CATALOG, FORM, any_model
from reelway_videos_api.settings import Settings, problems_in
from reelway_videos_api.simulator import GatewaySimulator


class OpenAIVideos(VideosApi):
    """The provider; its facts are the tables of :mod:`reelway_videos_api.wire`."""

    info = ProviderInfo(
        name="videos-api",
        title="Videos API",
        base_url="https://api.openai.com",
        key_variable="OPENAI_API_KEY",
        docs_url="https://developers.openai.com/api/docs/guides/video-generation",
        words=wire.WORDS,
        # Assumed: the guide names no number, the SDK asks every second, and gateways want 5 to 20 of them.
        cadence=Cadence(5, 15),
        capabilities=frozenset({Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}),
    )
    models = CATALOG
    dialects = {"": wire.DIALECT}
    forms = {FORM: form_of(BodyStyle.MULTIPART, {})}
    errors = wire.ERRORS
    failure_codes = wire.FAILURE_CODES
    callback_places = wire.CALLBACK

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return GatewaySimulator(self.dialects)


class Gateway(OpenAIVideos):
    """A gateway as its user describes it."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        """Lay the settings over OpenAI's tables.

        Raises:
            ConfigurationError: something is wrong with them; lists every problem.
        """
        if problems := problems_in(name, settings):
            told = "; ".join(map(str, problems))
            raise ConfigurationError(f"The gateway {name[:40]!r} is configured wrongly: {told}.")
        body = BodyStyle(settings.get("body", BodyStyle.MULTIPART))
        fields = settings.get("fields", {})
        self._callback_place = fields.get("callback_url")
        places = {fact: _several(given) for fact, given in settings.get("places", {}).items()}
        self._words = {word: Status(meant) for word, meant in settings.get("words", {}).items()}
        self._places = {fact: given[0] for fact, given in places.items() if given}
        self.dialects = {"": _dialect(settings.get("paths", {}), places)}
        self.callback_places = replace(wire.CALLBACK, **places)
        self.forms = {FORM: form_of(body, fields)}
        self.models = Catalog((), fallback=any_model(body, fields))
        self.info = self._described(name, settings)

    def simulator(self) -> Simulator:
        """The gateway from the other side, in its own words and places."""
        return GatewaySimulator(
            self.dialects, words=self._words, places=self._places, callback_place=self._callback_place
        )

    def _described(self, name: str, settings: Mapping[str, Any]) -> ProviderInfo:
        base_url = settings["base_url"]
        here = {Capability.CONTENT: self.dialects[""].content, Capability.REMIX: self.dialects[""].remix}
        usual = OpenAIVideos.info
        return replace(
            usual,
            name=name,
            title=name,
            base_url=base_url,
            docs_url=base_url,
            key_variable=settings.get("key_variable") or key_variable(name),
            words={**usual.words, **{str(fold(word)): meant for word, meant in self._words.items()}},
            cadence=Cadence(*settings.get("cadence", (usual.cadence.minimum, usual.cadence.maximum))),
            capabilities=frozenset({Capability.CALLBACKS, *(what for what, path in here.items() if path)}),
        )


def gateway(name: str, **settings: Unpack[Settings]) -> Gateway:
    """A gateway that speaks the OpenAI-style ``/v1/videos`` protocol, ready to be handed to a client.

    Everything but ``base_url`` may be left out; what is, is as at OpenAI. :class:`Settings` has the whole list.

    Args:
        name: what the gateway is called in references and messages: small letters, digits and hyphens.
        **settings: what is different there.

    Raises:
        ConfigurationError: something is wrong with them; lists every problem.
    """
    return Gateway(name, settings)


def key_variable(name: str) -> str:
    """The environment variable that holds a gateway's key where no other is named."""
    return f"{name.upper().replace('-', '_')}_API_KEY"


def _dialect(paths: Mapping[str, str], places: Mapping[str, tuple[Place, ...]]) -> Dialect:
    given = {path: template.lstrip("/") or None for path, template in paths.items()}
    return replace(wire.DIALECT, places=replace(wire.ANSWER, **places), **given)


def _several(given: str | list[str] | tuple[str, ...]) -> tuple[Place, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
