"""OctopusX: a gateway of the ``/v1/videos`` family that speaks three dialects."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reelway.model.http import HttpResponse
from reelway.model.observation import Observation, Video
from reelway.provider.interface import Cadence, Capability, ProviderInfo
from reelway.provider.readers import Json
from reelway.provider.reading import read_error
from reelway.provider.simulator import Simulator
from reelway.provider.videos_api import Places, VideosApi
from reelway_octopusx import wire
from reelway_octopusx.mapping import FORMS
from reelway_octopusx.models import CATALOG
from reelway_octopusx.simulator import OctopusXSimulator


class OctopusX(VideosApi):
    """The provider; its facts are the tables of :mod:`reelway_octopusx.wire`.

    The model decides the dialect, and a task keeps the one it was made in as the route of its reference:

    | Route | Create and read | Models |
    |---|---|---|
    | (empty) | ``/v1/videos`` | Seedance 1.0 and 1.5, Jimeng, Vidu, Sora, Veo, Kling, Omni, Grok Pro and Max |
    | ``generations`` | ``/v1/video/generations`` | Seedance 2, ``kling-v1`` |
    | ``unified`` | ``/v1/video/create``, ``/v1/video/query`` | ``grok-video-3``, ``veo3.1-fast-components`` |

    Where a model is documented for several, it goes to the first: its answers say most, and a finished video can
    be remixed there. ``grok-video-3`` is the exception, because only the unified page takes pictures by their
    address and lists the lengths. An unknown model goes to the first dialect as JSON. The content route serves
    the tasks of all three.

    For Seedance 1.0 and 1.5 the resolution is part of the model id. ``doubao-seedance-1-5-pro`` with the resolution
    ``"720p"`` and ``doubao-seedance-1-5-pro_720p`` are the same; without a resolution, 720p is asked for. A remix
    of a Veo video has to name its model (``veo_3_1-extend``).

    Callbacks, for Seedance 2, come from the upstream: unsigned, with the upstream's task object and task id, which
    may be another than the gateway's.
    """

    info = ProviderInfo(
        name="octopusx",
        title="OctopusX",
        base_url="https://octopusx.ai",
        key_variable="OCTOPUSX_API_KEY",
        docs_url="https://docs.octopusx.ai",
        words=wire.WORDS,
        failure_kinds=wire.FAILURE_KINDS,
        # No interval is documented. Source: the gateway asks its upstreams every 15 seconds.
        cadence=Cadence(15, 30),
        capabilities=frozenset({Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}),
        nothing_created=wire.NOTHING_CREATED,
    )
    models = CATALOG
    dialects = wire.DIALECTS
    forms = FORMS
    errors = wire.ERRORS
    failure_codes = wire.FAILURE_CODES
    callback_places = wire.ANSWER

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        """Read the facts; a 2xx answer without a task in it is an error that forgot its status."""
        observation = super().decode_retrieve(response, route)
        # Source: {"code": "success", "data": null}. /en/account/billing: {"success": false, "message": ...}.
        if observation.task_id is None and observation.provider_status is None:
            raise read_error(self, response)
        return observation

    def observe(self, document: Mapping[str, Json], places: Places) -> Observation:
        """Read one answer; without the link that a gateway with an unset address makes of its content route."""
        observation = super().observe(document, places)
        if all(map(_leads_out, observation.videos)):
            return observation
        return replace(observation, videos=())

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return OctopusXSimulator()


def _leads_out(video: Video) -> bool:
    # Whoever follows that link asks his own machine; without it, the content route of the account's address serves.
    return not wire.UNSET_CONTENT.fullmatch(video.url.reveal())
