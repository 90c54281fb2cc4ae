"""The sandbox as users meet it, and every installed provider in it from create to file."""

from __future__ import annotations

import httpx
import pytest
from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.model.http import HttpRequest, Multipart
from reelway.model.observation import Observation, Status
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider.interface import Capability, Provider
from reelway.provider.models import ModelSpec, OnUnsupported, check
from reelway.provider.reading import needs_result, read_create, read_result, read_retrieve
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox, request_to
from reelway.sandbox.video import video_of
from reelway.testing import VirtualClock
from tests.sandbox.caller import ACME, Caller, Silent

SIMULATED = [provider for provider in Registry.installed().providers if provider.simulator()]
CASES = [
    pytest.param(provider, spec, id=f"{provider.info.name}-{spec.name}")
    for provider in SIMULATED
    for spec in (*provider.models.models, replace(provider.models.fallback, name="a-new-model"))
]
PICTURE = b"\x89PNG\r\n\x1a\n"


class Story:
    """One provider's conversation with the sandbox, in process and on virtual time."""

    def __init__(self, provider: Provider, model: str) -> None:
        self.provider = provider
        self.route = provider.route(model)
        self.clock = VirtualClock()
        self.sandbox = Sandbox(SIMULATED, clock=self.clock, job_seconds=60)

    def create(self, request: VideoRequest, spec: ModelSpec) -> str:
        answer = self.sandbox.respond(self._addressed(self.provider.encode_create(request, spec)))
        created = read_create(self.provider, answer, self.route)
        assert created.status in {None, Status.QUEUED, Status.RUNNING}
        assert created.task_id
        return created.task_id

    def follow(self, task_id: str) -> list[Observation]:
        seen: list[Observation] = []
        while not seen or not (seen[-1].status and seen[-1].status.final):
            seen.append(self.poll(task_id))
            self.clock.sleep(self.provider.info.cadence.minimum)
        return seen

    def poll(self, task_id: str) -> Observation:
        answer = self.sandbox.respond(self._addressed(self.provider.encode_retrieve(task_id, self.route)))
        seen = read_retrieve(self.provider, answer, self.route, task_id)
        if not needs_result(self.provider, seen):
            return seen
        result = self.sandbox.respond(self._addressed(self.provider.encode_result(task_id, self.route)))
        return read_result(self.provider, answer, result, self.route, task_id)

    def file(self, task_id: str, end: Observation) -> bytes:
        if end.videos:
            return self.sandbox.respond(request_to(end.videos[0].url.reveal())).body
        assert Capability.CONTENT in self.provider.info.capabilities
        return self.sandbox.respond(self._addressed(self.provider.encode_content(task_id, self.route))).body

    def _addressed(self, request: HttpRequest) -> HttpRequest:
        path = f"/{self.provider.info.name}/{request.path.lstrip('/')}"
        key = ("Authorization", f"{self.provider.info.auth_scheme} good-key")
        return written(replace(request, path=path, headers=(key, *request.headers)))


def written(request: HttpRequest) -> HttpRequest:
    """The request with its form as bytes."""
    if not isinstance(request.body, Multipart):
        return request
    fields = [(name, (None, value.encode())) for name, value in request.body.fields]
    files = [(part.field, (part.filename, part.content, part.content_type)) for part in request.body.files]
    form = httpx.Request("POST", "https://sandbox.invalid", files=[*fields, *files])
    content_type = ("Content-Type", form.headers["content-type"])
    return replace(request, headers=(*request.headers, content_type), body=form.read())


def request_for(spec: ModelSpec, prompt: str = "A reel.") -> VideoRequest:
    if not spec.needs_image:
        return VideoRequest(model=spec.name, prompt=prompt)
    by_link = MediaForm.FILE not in spec.media_forms
    picture = Media(url="https://example.com/a.png") if by_link else Media(content=PICTURE, filename="a.png")
    return VideoRequest(model=spec.name, prompt=prompt, first_frame=picture)


@pytest.mark.parametrize(("provider", "spec"), CASES)
def test_every_model_of_every_installed_provider_runs_from_create_to_file(
    provider: Provider, spec: ModelSpec
) -> None:
    checked = check(request_for(spec), provider.models, OnUnsupported.ERROR)
    story = Story(provider, spec.name)
    task_id = story.create(checked.request, checked.spec)
    seen = story.follow(task_id)
    assert {Status.QUEUED, Status.RUNNING} & {one.status for one in seen}
    assert seen[-1].status is Status.SUCCEEDED
    assert story.file(task_id, seen[-1]) == video_of(provider.info.name, task_id)
    ledger = story.sandbox.ledger
    assert (ledger.creates, ledger.jobs, ledger.polls) == (1, 1, len(seen))


@pytest.mark.parametrize(
    ("fault", "end"),
    [("fail", Status.FAILED), ("fail-internal", Status.FAILED), ("fail-silent", Status.FAILED)],
)
@pytest.mark.parametrize(("provider", "spec"), CASES)
def test_every_model_can_fail(provider: Provider, spec: ModelSpec, fault: str, end: Status) -> None:
    checked = check(request_for(spec, f"[[{fault}]]"), provider.models, OnUnsupported.ERROR)
    story = Story(provider, spec.name)
    task_id = story.create(checked.request, checked.spec)
    assert story.follow(task_id)[-1].status is end


@pytest.mark.parametrize("provider", SIMULATED, ids=lambda provider: provider.info.name)
def test_cancelled_and_expired_jobs_end_in_every_provider_s_words(provider: Provider) -> None:
    spec = provider.models.models[0]
    for fault in ("cancelled", "expired"):
        checked = check(request_for(spec, f"[[{fault}]]"), provider.models, OnUnsupported.ERROR)
        story = Story(provider, spec.name)
        end = story.follow(story.create(checked.request, checked.spec))[-1].status
        assert end in {Status(fault), Status.FAILED}


def test_all_installed_providers_are_there_by_default() -> None:
    assert set(Sandbox().world.providers) == {provider.info.name for provider in SIMULATED}


def test_a_provider_without_a_simulator_is_left_out() -> None:
    assert Sandbox([ACME, Silent()]).world.providers == ("acme",)


def test_a_sandbox_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="No provider with a simulator"):
        Sandbox([Silent()])


def test_a_base_url_of_a_provider_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no provider 'nobody'; it has: acme\."):
        Caller().sandbox.base_url("nobody")


def test_without_a_server_no_address_can_be_found() -> None:
    assert Caller().sandbox.base_url("acme") == "https://sandbox.invalid/acme"
