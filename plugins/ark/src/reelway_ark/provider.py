"""Ark: ByteDance's own service, behind the Seedance models of many gateways."""

from __future__ import annotations

from reelway.model.http import Headers, HttpRequest, HttpResponse, segment
from reelway.model.observation import Observation
from reelway.model.request import VideoRequest
from reelway.provider.interface import Cadence, Capability, ErrorReading, Provider, ProviderInfo
from reelway.provider.models import ModelSpec
from reelway.provider.readers import decode_object
from reelway.provider.simulator import Simulator
from reelway_ark import wire
from reelway_ark.mapping import FORMS, error_reading, observation
from reelway_ark.models import CATALOG
from reelway_ark.simulator import ArkSimulator


class Ark(Provider):
    """The provider; its facts are the tables of :mod:`reelway_ark.wire`.

    One path serves all: POST creates, GET retrieves, DELETE cancels. A DELETE stops a task that waits and is
    refused for one that runs. Of a task that has ended it removes the record, and with it the way to the video, so
    ``info.cancellable`` keeps the core from making it for anything but a waiting task.

    Callbacks show the task object, as a poll does, and nothing documents a signature. There is no content route.
    """

    info = ProviderInfo(
        name="ark",
        title="Ark",
        base_url="https://ark.cn-beijing.volces.com",
        key_variable="ARK_API_KEY",
        docs_url="https://www.volcengine.com/docs/82379/1520757",
        words=wire.WORDS,
        failure_kinds=wire.FAILURE_KINDS,
        # No interval is prescribed; the examples on 1520757 and 2298881 ask every 10 seconds.
        cadence=Cadence(10, 30),
        capabilities=frozenset({Capability.CANCEL, Capability.CALLBACKS}),
        cancellable=wire.CANCELLABLE,
    )
    models = CATALOG

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        """The create, in the form of the model's generation."""
        return FORMS[spec.form].write(wire.TASKS, request, spec)

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        """The poll."""
        return HttpRequest(method="GET", path=f"{wire.TASKS}/{segment(task_id)}")

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        """The request that stops a waiting task."""
        return HttpRequest(method="DELETE", path=f"{wire.TASKS}/{segment(task_id)}")

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        """Read the task object, which has nothing but the id yet."""
        return self.decode_retrieve(response, route)

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        """Read the task object."""
        return observation(decode_object(response.body))

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        """Read the task object."""
        return [observation(decode_object(body))]

    def read_error(self, response: HttpResponse) -> ErrorReading:
        """Read the envelope by its code, and where that says nothing by the HTTP status."""
        return error_reading(response)

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return ArkSimulator()
