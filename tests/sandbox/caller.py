"""What the tests of the sandbox share: a small provider of the family, and one who calls it in process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from msgspec.structs import replace

from reelway.model.http import Headers, HttpRequest, HttpResponse, json_request
from reelway.model.observation import Observation, Status
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form
from reelway.provider.interface import Cadence, Provider, ProviderInfo
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.reading import read_create, read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob, Simulator
from reelway.provider.videos_api import Dialect, VideosApi
from reelway.provider.videos_simulator import VideosApiSimulator
from reelway.sandbox import Reply, Sandbox, request_to
from reelway.testing import VirtualClock

DIALECTS = {"": Dialect(remix="v1/videos/{id}/remix")}
WORDS = {status.value: status for status in Status if status is not Status.LOST}


def video_object(job: SimulatedJob) -> dict[str, Any]:
    document: dict[str, Any] = {"id": job.task_id, "model": job.call.model, "status": job.word or job.status.value}
    document |= {"progress": job.progress, "created_at": job.created_at.timestamp()}
    if job.video_url and job.expires_at:
        document |= {"video_url": job.video_url, "expires_at": job.expires_at.timestamp()}
    if job.finished:
        document["completed_at"] = job.updated_at.timestamp()
    if job.failure:
        document["error"] = {"code": job.failure.code, "message": job.failure.message}
    return document


class AcmeSimulator(VideosApiSimulator):
    dialects = DIALECTS
    creates = {"": video_object}
    reads = {"": video_object}

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        name = PurePosixPath(request.path)
        if request.method == "DELETE":
            return SimulatedCall(kind=CallKind.CANCEL, task_id=name.name)
        return super().recognise(request)


class Acme(VideosApi):
    info = ProviderInfo(
        name="acme",
        title="Acme",
        base_url="https://api.acme.example",
        key_variable="ACME_API_KEY",
        docs_url="https://docs.acme.example",
        words=WORDS,
        cadence=Cadence(1, 2),
    )
    form = Form(body=BodyStyle.JSON, rows=(("model", forms.model), ("prompt", forms.prompt)))
    models = Catalog([], fallback=ModelSpec(name="*", form="plain"))
    dialects = DIALECTS
    forms = {"plain": form}

    def simulator(self) -> Simulator | None:
        return AcmeSimulator()


class Silent(Acme):
    """A provider that nobody has simulated yet."""

    info = replace(Acme.info, name="silent")

    def simulator(self) -> None:
        return None


ACME = Acme()
KEY = ("Authorization", "Bearer good-key")


class Caller:
    """Calls a sandbox in process, on virtual time."""

    def __init__(self, providers: Iterable[Provider] = (ACME,), **options: Any) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(providers, clock=self.clock, **options)

    def send(self, method: str, path: str, *, headers: Headers = (KEY,)) -> HttpResponse:
        return self.sandbox.respond(HttpRequest(method=method, path=path, headers=headers))

    def reply(self, request: HttpRequest) -> Reply:
        """What the world makes of a request, whether it could arrive or not."""
        return self.sandbox.world.answer(request)

    def create_request(self, prompt: str = "A reel.", *, headers: Headers = (KEY,)) -> HttpRequest:
        written = json_request("POST", "/acme/v1/videos", {"model": "acme-1", "prompt": prompt})
        return replace(written, headers=(*written.headers, *headers))

    def retrieval(self, task_id: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"/acme/v1/videos/{task_id}", headers=(KEY,))

    def create(self, prompt: str = "A reel.", *, headers: Headers = (KEY,)) -> HttpResponse:
        return self.sandbox.respond(self.create_request(prompt, headers=headers))

    def made(self, prompt: str = "A reel.") -> str:
        created = read_create(ACME, self.create(prompt), "")
        assert created.task_id
        return created.task_id

    def retrieve(self, task_id: str) -> HttpResponse:
        return self.sandbox.respond(self.retrieval(task_id))

    def poll(self, task_id: str) -> Observation:
        return read_retrieve(ACME, self.retrieve(task_id), "", task_id)

    def ended(self, task_id: str) -> Observation:
        """What a poll says when the job's time is over."""
        self.clock.advance(3.0)
        return self.poll(task_id)

    def url(self, task_id: str) -> str:
        [video] = self.ended(task_id).videos
        return video.url.reveal()

    def fetch(self, url: str, *headers: tuple[str, str], method: str = "GET") -> HttpResponse:
        return self.sandbox.respond(request_to(url, method, headers))

    def content(self, task_id: str) -> HttpResponse:
        return self.send("GET", f"/acme/v1/videos/{task_id}/content")

    def desk(self, method: str, place: str, document: Any = None) -> HttpResponse:
        return self.sandbox.respond(json_request(method, f"/-/{place}", document))
