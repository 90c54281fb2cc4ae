"""fal.ai: a queue in front of hundreds of models."""

from __future__ import annotations

from datetime import datetime

from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.model.observation import Observation
from reelway.model.request import VideoRequest
from reelway.provider.interface import Cadence, Capability, ErrorReading, Provider, ProviderInfo
from reelway.provider.models import ModelSpec
from reelway.provider.simulator import Simulator
from reelway_fal import mapping, webhooks, wire
from reelway_fal.models import CATALOG
from reelway_fal.simulator import FalSimulator


class Fal(Provider):
    """The provider; its facts are the tables of :mod:`reelway_fal.wire`.

    The id of a model is the path that creates. Its first two parts, the app, are where the request lives from then
    on, and so they are the route of the task. The queue says when a request has ended; how it ended, the result
    says, which is a video or an error.

    Webhooks tell the end, and are signed. There is no content route: the link of the result is public.
    """

    info = ProviderInfo(
        name="fal",
        title="fal",
        base_url="https://queue.fal.run",
        key_variable="FAL_KEY",
        auth_scheme="Key",
        docs_url="https://fal.ai/docs/documentation/model-apis/inference/queue",
        words=wire.WORDS,
        ended=wire.ENDED,
        # No interval is prescribed. fal's own clients ask several times a second, which is meant for pictures.
        cadence=Cadence(3, 10),
        capabilities=frozenset({Capability.CANCEL, Capability.CALLBACKS}),
    )
    models = CATALOG

    def route(self, model: str) -> str:
        """The app of the model."""
        spec = self.models.find(model)
        return mapping.app_of(spec.name if spec else model)

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        """The create, at the model's own path."""
        return mapping.create(request, spec)

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        """The poll."""
        return HttpRequest(method="GET", path=mapping.request_path(task_id, route, "status"))

    def encode_result(self, task_id: str, route: str) -> HttpRequest:
        """The request for the result."""
        return HttpRequest(method="GET", path=mapping.request_path(task_id, route))

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        """The request that takes a waiting request out of the queue, and asks a running one to stop."""
        return HttpRequest(method="PUT", path=mapping.request_path(task_id, route, "cancel"))

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        """Read the id, and where the queue names one the word."""
        return mapping.created_observation(response)

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        """Read what the queue says."""
        return mapping.queue_observation(response)

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        """Read the result, or the error in its place."""
        return mapping.result_observation(poll, result)

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        """Read the webhook that tells the end."""
        return [mapping.callback_observation(body)]

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        """Check the signature.

        ``secret`` is the JSON Web Key Set that fal serves at ``https://rest.fal.ai/.well-known/jwks.json``. Whoever
        runs the receiver fetches it, for a provider has no network; the page allows to keep it for 24 hours.
        """
        return webhooks.verified(headers, body, secret, now)

    def read_error(self, response: HttpResponse) -> ErrorReading:
        """Read the error by what it says, and where that says nothing by the HTTP status."""
        return mapping.error_reading(response)

    def simulator(self) -> Simulator:
        """The service from the other side."""
        return FalSimulator()
