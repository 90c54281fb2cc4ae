"""CometAPI: a multipart gateway of the ``/v1/videos`` family that speaks two vocabularies on one path."""

from __future__ import annotations

from collections.abc import Mapping

from reelway.model.observation import Observation
from reelway.provider.interface import Cadence, Capability, ProviderInfo
from reelway.provider.readers import Json
from reelway.provider.simulator import Simulator
from reelway.provider.videos_api import Places, VideosApi
from reelway_cometapi import wire
from reelway_cometapi.mapping import FORMS
from reelway_cometapi.models import CATALOG
from reelway_cometapi.simulator import CometApiSimulator


class CometApi(VideosApi):
    """The provider; its facts are the tables of :mod:`reelway_cometapi.wire`."""

    info = ProviderInfo(
        name="cometapi",
        title="CometAPI",
        base_url="https://api.cometapi.com",
        key_variable="COMETAPI_KEY",
        docs_url="https://apidoc.cometapi.com",
        words=wire.WORDS,
        failure_kinds=wire.FAILURE_KINDS,
        # /api/video/seedance/query: poll every 10 to 20 seconds.
        cadence=Cadence(10, 20),
        capabilities=frozenset({Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}),
        nothing_created=wire.NOTHING_CREATED,
    )
    models = CATALOG
    dialects = wire.DIALECTS
    forms = FORMS
    errors = wire.ERRORS
    failure_codes = wire.FAILURE_CODES
    callback_places = wire.CALLBACK

    def observe(self, document: Mapping[str, Json], places: Places) -> Observation:
        """Read one answer from a table of places, without taking the id of an HTTP call for a task."""
        return super().observe(_without_call_id(document), places)

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return CometApiSimulator()


ENVELOPE_KEYS = frozenset({"code", "error", "message", "success"})
"""An answer with one of these is about the call, whatever else it holds."""


def _without_call_id(document: Mapping[str, Json]) -> Mapping[str, Json]:
    """An answer without the ``request_id`` of its HTTP call.

    For xAI that field is the task's only name. In an envelope it names the call, as Kling does; taking it for a
    task would make a paid job of a refusal.
    """
    if "request_id" not in document or document.keys().isdisjoint(ENVELOPE_KEYS):
        return document
    return {key: value for key, value in document.items() if key != "request_id"}
