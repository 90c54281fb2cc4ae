"""The sandbox calls back as providers do: at each turn of a job, to this machine only, and badly where asked to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.model.http import Headers, HttpRequest, json_request
from reelway.model.observation import Observation, Status
from reelway.model.request import VideoRequest
from reelway.provider.interface import Capability, Provider
from reelway.provider.models import ModelSpec, OnUnsupported, check
from reelway.provider.reading import read_callback, read_create
from reelway.provider.simulator import SimulatedCall, SimulatedCallback, SimulatedJob, Simulator
from reelway.sandbox import Callback, Pace, Sandbox
from reelway.sandbox.callbacks import DISTORTIONS
from tests.sandbox.caller import ACME, KEY, Acme, AcmeSimulator, Caller, video_object
from tests.sandbox.test_sandbox import SIMULATED, Story

HOOK = "http://127.0.0.1:9/hook?token=1"


class CallingSimulator(AcmeSimulator):
    def callback_url(self, call: SimulatedCall) -> str | None:
        return call.fields.get("callback_url")

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        return SimulatedCallback.json(video_object(job))


class SigningSimulator(CallingSimulator):
    def sign_callback(self, callback: SimulatedCallback, key: bytes, now: datetime) -> Headers:
        return (("X-Signature", signature(callback.body, key.hex())),)

    def callback_secret(self, key: bytes) -> str | None:
        return key.hex()


def signature(body: bytes, secret: str) -> str:
    return hmac.new(bytes.fromhex(secret), body, hashlib.sha256).hexdigest()


class Calling(Acme):
    """A provider that calls back, and signs nothing."""

    info = replace(ACME.info, capabilities=frozenset({Capability.CALLBACKS}))

    def simulator(self) -> Simulator | None:
        return CallingSimulator()


class Signing(Calling):
    def simulator(self) -> Simulator | None:
        return SigningSimulator()


class Listener(Caller):
    """One who asks to be told, and keeps what he is told."""

    def __init__(self, provider: Provider | None = None, **options: Any) -> None:
        self.heard: list[Callback] = []
        self.answers: list[int] = []
        self.provider = provider or Calling()
        super().__init__([self.provider], **({"on_callback": self.hear} | options))

    def hear(self, callback: Callback) -> int | None:
        self.heard.append(callback)
        return self.answers.pop(0) if self.answers else None

    def asked(self, prompt: str = "A reel.", url: str = HOOK) -> str:
        fields = {"model": "acme-1", "prompt": prompt, "callback_url": url}
        request = json_request("POST", "/acme/v1/videos", fields)
        created = self.sandbox.respond(replace(request, headers=(*request.headers, KEY)))
        return str(read_create(self.provider, created, "").task_id)

    def told(self, seconds: float = 3.0) -> list[Observation]:
        """All that was heard until some seconds from now."""
        self.clock.advance(seconds)
        self.sandbox.deliver_callbacks()
        return [read_callback(self.provider, one.headers, one.body, verified=False)[0] for one in self.heard]

    def words(self, seconds: float = 3.0) -> list[Status | None]:
        return [one.status for one in self.told(seconds)]

    def outcomes(self) -> list[tuple[str, str]]:
        calls = self.sandbox.ledger.calls
        return [(call.outcome, call.fault) for call in calls if call.call == "callback"]


QUEUED, RUNNING = Status.QUEUED, Status.RUNNING
GOOD, BAD = Status.SUCCEEDED, Status.FAILED


# --- every installed provider ---


def calling() -> Iterator[Any]:
    for provider in SIMULATED:
        spec = next((spec for spec in provider.models.models if spec.callback and not spec.needs_image), None)
        if spec is not None:
            yield pytest.param(provider, spec, id=provider.info.name)


CALLING = list(calling())


class Told(Story):
    """A conversation whose other side calls back."""

    def __init__(self, provider: Provider, model: str) -> None:
        super().__init__(provider, model)
        self.heard: list[Callback] = []
        self.answers: list[int] = []
        self.sandbox = Sandbox(SIMULATED, clock=self.clock, job_seconds=60, on_callback=self.hear)

    def hear(self, callback: Callback) -> int | None:
        self.heard.append(callback)
        return self.answers.pop(0) if self.answers else None

    def begin(self, spec: ModelSpec, prompt: str, url: str = HOOK) -> str:
        request = VideoRequest(model=spec.name, prompt=prompt, callback_url=url)
        return self.create(check(request, self.provider.models, OnUnsupported.ERROR).request, spec)

    def news(self) -> Iterator[Observation]:
        """What each callback since the last look says, and is proven to say where the provider signs."""
        self.sandbox.deliver_callbacks()
        for one in self.heard:
            yield read_callback(self.provider, one.headers, one.body, verified=self.proven(one))[0]
        self.heard.clear()

    def proven(self, callback: Callback) -> bool:
        secret = self.sandbox.callback_secret(self.provider.info.name) or ""
        return self.provider.verify_callback(callback.headers, callback.body, secret, self.clock.now())


ENDS = {"": GOOD, "[[fail:no luck]]": BAD, "[[fail-internal]]": BAD, "[[expired]]": BAD}


@pytest.mark.parametrize("mark", ENDS)
@pytest.mark.parametrize(("provider", "spec"), CALLING)
def test_every_callback_says_what_a_poll_says_at_that_moment(
    provider: Provider, spec: ModelSpec, mark: str
) -> None:
    story = Told(provider, spec.name)
    task_id = story.begin(spec, f"A reel. {mark}")
    seen: list[Observation] = []
    for _ in range(14):
        for one in story.news():
            polled = story.poll(task_id)
            # A gateway may have fewer words for an end than the upstream that calls back.
            assert {one.status, polled.status} in ({one.status}, {Status.EXPIRED, BAD})
            assert one.task_id == task_id
            assert one.verified == (story.sandbox.callback_secret(provider.info.name) is not None)
            assert [video.url for video in one.videos] == [video.url for video in polled.videos]
            seen.append(one)
        story.clock.advance(5)
    assert seen[-1].status in {ENDS[mark], Status.EXPIRED if ENDS[mark] is BAD else GOOD}
    assert sum(bool(one.status and one.status.final) for one in seen) == 1
    assert len({one.status for one in seen}) == len(seen)


@pytest.mark.parametrize(("provider", "spec"), CALLING)
def test_a_create_that_names_no_address_is_told_nothing(provider: Provider, spec: ModelSpec) -> None:
    story = Told(provider, spec.name)
    checked = check(VideoRequest(model=spec.name, prompt="A reel."), provider.models, OnUnsupported.ERROR)
    story.create(checked.request, checked.spec)
    story.clock.advance(60)
    assert list(story.news()) == []


@pytest.mark.parametrize(("provider", "spec"), CALLING)
def test_what_is_signed_is_signed_when_it_is_sent(provider: Provider, spec: ModelSpec) -> None:
    """A signature has a time, and one of the first attempt would be too old at the second."""
    story = Told(provider, spec.name)
    story.begin(spec, "[[callback-late:1800]]")
    simulator = provider.simulator()
    assert simulator is not None
    signs = story.sandbox.callback_secret(provider.info.name) is not None
    story.answers = [500]
    for pause in (60 + 1800, simulator.callback_pauses[0], 7200):
        story.clock.advance(pause)
        story.sandbox.deliver_callbacks()
        assert [story.proven(one) for one in story.heard if one.attempt] == [signs] * len(story.heard)
        story.heard.clear()


@pytest.mark.parametrize(("provider", "spec"), CALLING)
def test_a_forged_callback_proves_nothing(provider: Provider, spec: ModelSpec) -> None:
    story = Told(provider, spec.name)
    task_id = story.begin(spec, "[[callback-forged:9]]")
    story.clock.advance(60)
    said = list(story.news())
    forged, honest = said[::2], said[1::2]
    assert forged
    assert not any(one.verified for one in forged)
    assert all(one.task_id == task_id for one in honest)
    if story.sandbox.callback_secret(provider.info.name) is None:
        assert all(one.task_id not in {None, task_id} for one in forged)
    else:
        assert all(one.verified for one in honest)


# --- when ---


def test_each_turn_is_told_once_and_in_order() -> None:
    listener = Listener()
    task_id = listener.asked()
    told = listener.told()
    assert [(one.task_id, one.status) for one in told] == [(task_id, one) for one in (QUEUED, RUNNING, GOOD)]
    assert listener.words(60) == [QUEUED, RUNNING, GOOD]
    assert listener.sandbox.ledger.callbacks == 3


def test_a_turn_is_told_when_it_happens() -> None:
    listener = Listener()
    listener.asked()
    assert [len(listener.told(seconds)) for seconds in (0.0, 0.5, 0.2, 2.2, 0.1)] == [1, 1, 2, 2, 3]


def test_two_jobs_are_told_in_the_order_of_their_turns() -> None:
    listener = Listener()
    first = listener.asked()
    listener.clock.advance(0.3)
    second = listener.asked()
    turns = [(one.task_id, one.status) for one in listener.told(3.3)]
    assert turns[:4] == [(first, QUEUED), (second, QUEUED), (first, RUNNING), (second, RUNNING)]


def test_a_job_that_polls_move_is_told_when_a_poll_moves_it() -> None:
    listener = Listener(pace=Pace.POLLS, job_polls=3)
    task_id = listener.asked()
    seen = []
    for _ in range(3):
        status = listener.poll(task_id).status
        seen.append((status, listener.words(0)[-1]))
    assert seen == [(one, one) for one in (QUEUED, RUNNING, GOOD)]


def test_a_job_that_is_moved_by_hand_is_told_at_once() -> None:
    listener = Listener(pace=Pace.MANUAL)
    task_id = listener.asked()
    for status in (RUNNING, RUNNING, BAD):
        listener.sandbox.world.steer("acme", task_id, status=status, reason="no luck")
    assert listener.words(0) == [QUEUED, RUNNING, BAD]
    assert listener.told(0)[-1].failure is not None


def test_a_cancel_is_a_turn() -> None:
    listener = Listener()
    task_id = listener.asked()
    listener.clock.advance(1)
    listener.reply(HttpRequest(method="DELETE", path=f"/acme/v1/videos/{task_id}", headers=(KEY,)))
    assert listener.words(0) == [QUEUED, RUNNING, Status.CANCELLED]


def test_a_job_without_an_end_is_told_until_it_runs() -> None:
    listener = Listener()
    listener.asked("[[stuck]]")
    assert listener.words(600) == [QUEUED, RUNNING]


def test_a_remix_is_told_to_nobody_who_did_not_ask() -> None:
    listener = Listener()
    task_id = listener.asked()
    listener.clock.advance(3)
    path = f"/acme/v1/videos/{task_id}/remix"
    request = json_request("POST", path, {"prompt": "Again."})
    listener.sandbox.respond(replace(request, headers=(*request.headers, KEY)))
    assert listener.sandbox.ledger.jobs == 2
    assert {one.task_id for one in listener.told(3)} == {task_id}


def test_a_callback_takes_no_fault_away_from_a_poll() -> None:
    listener = Listener()
    task_id = listener.asked("[[expired-link]]")
    [video] = listener.told()[-1].videos
    assert listener.fetch(video.url.reveal()).status == 200
    assert listener.fetch(listener.url(task_id)).status == 403


def test_a_false_end_is_no_end_to_a_poll() -> None:
    listener = Listener(pace=Pace.POLLS, job_polls=2)
    task_id = listener.asked("[[callback-forged]]")
    assert listener.words(60)[0] is GOOD
    assert listener.poll(task_id).status is QUEUED
    listener.clock.advance(60)
    end = listener.poll(task_id)
    assert (end.status, end.completed_at) == (GOOD, listener.clock.now())


def test_a_request_is_answered_after_what_came_before_it() -> None:
    listener = Listener()
    task_id = listener.asked()
    listener.clock.advance(3)
    listener.poll(task_id)
    assert len(listener.heard) == 3


def test_a_simulator_that_knows_no_callbacks_sends_none() -> None:
    listener = Listener(ACME)
    listener.asked()
    listener.clock.advance(3)
    listener.sandbox.deliver_callbacks()
    assert listener.heard == []
    assert listener.sandbox.callback_secret("acme") is None


def test_the_desk_shows_the_secret_too() -> None:
    signing, calling = Listener(Signing()), Listener()
    shown = signing.send("GET", "/-/callback-secret/acme")
    assert (shown.status, shown.body.decode()) == (200, signing.sandbox.callback_secret("acme"))
    assert calling.send("GET", "/-/callback-secret/acme").status == 404
    assert calling.send("GET", "/-/callback-secret/nobody").status == 400


def test_another_seed_signs_with_another_key() -> None:
    secrets = {Listener(Signing(), seed=seed).sandbox.callback_secret("acme") for seed in (1, 1, 2)}
    assert len(secrets) == 2


def test_the_secret_of_a_stranger_is_asked_for_in_vain() -> None:
    with pytest.raises(ConfigurationError, match="no provider 'nobody'"):
        Listener().sandbox.callback_secret("nobody")


# --- faults ---

COURSES = {
    "[[callback-twice]]": [QUEUED, QUEUED, RUNNING, GOOD],
    "[[callback-twice@3]]": [QUEUED, RUNNING, GOOD, GOOD],
    "[[callback-lost:2]]": [GOOD],
    "[[callback-lost@2]]": [QUEUED, GOOD],
    "[[callback-flip]]": [QUEUED, RUNNING, GOOD, BAD],
    "[[fail]] [[callback-flip]]": [QUEUED, RUNNING, BAD, GOOD],
    "[[callback-out-of-order]]": [RUNNING, QUEUED, GOOD],
    "[[callback-out-of-order@2]]": [QUEUED, GOOD, RUNNING],
    "[[callback-out-of-order:9]]": [GOOD, RUNNING, QUEUED],
    "[[callback-lost@3]] [[callback-out-of-order:2]]": [RUNNING, QUEUED],
}


@pytest.mark.parametrize("marks", COURSES)
def test_a_faulty_course_of_callbacks(marks: str) -> None:
    listener = Listener()
    task_id = listener.asked(marks)
    assert listener.words() == COURSES[marks]
    assert listener.poll(task_id).status is (BAD if "fail]" in marks else GOOD)


def test_late_means_seconds() -> None:
    listener = Listener()
    listener.asked("[[callback-late:5]]")
    assert listener.words(4.9) == []
    assert listener.words(0.2) == [QUEUED]
    assert listener.words(2.8) == [QUEUED, RUNNING]
    assert listener.words(0.2) == [QUEUED, RUNNING, GOOD]


def test_what_was_lost_is_in_the_ledger_and_not_counted() -> None:
    listener = Listener()
    listener.asked("[[callback-lost@2]]")
    listener.told()
    assert listener.outcomes() == [("200", ""), ("lost", "callback-lost"), ("200", "")]
    assert listener.sandbox.ledger.callbacks == 2


def test_what_is_forged_is_a_false_end_about_another_task() -> None:
    listener = Listener()
    task_id = listener.asked("[[callback-forged@3]]")
    *_, forged, honest = listener.told()
    assert (forged.task_id, forged.status) == (f"{task_id}0", BAD)
    assert (honest.task_id, honest.status) == (task_id, GOOD)
    assert listener.outcomes()[2:] == [("200", "callback-forged"), ("200", "")]


def test_where_callbacks_are_signed_what_is_forged_has_a_wrong_signature() -> None:
    listener = Listener(Signing())
    task_id = listener.asked("[[callback-forged]]")
    forged, honest, *_ = listener.told()
    assert (forged.task_id, forged.status) == (task_id, GOOD)
    assert (honest.task_id, honest.status) == (task_id, QUEUED)
    secret = listener.sandbox.callback_secret("acme") or ""
    proven = [dict(one.headers)["X-Signature"] == signature(one.body, secret) for one in listener.heard]
    assert proven == [False, True, True, True]


def test_a_contradiction_is_the_provider_s_own() -> None:
    listener = Listener(Signing())
    listener.asked("[[callback-flip]]")
    listener.told()
    secret = listener.sandbox.callback_secret("acme") or ""
    assert all(dict(one.headers)["X-Signature"] == signature(one.body, secret) for one in listener.heard)
    assert listener.heard[-1].fault == "callback-flip"


# --- what is not taken ---


def test_a_callback_that_is_not_taken_comes_again_after_its_pauses() -> None:
    listener = Listener(pace=Pace.MANUAL)
    listener.answers = [500, 302, 404]
    listener.asked()
    heard = [len(listener.told(seconds)) for seconds in (0.0, 0.75, 0.25, 2.0, 3.75, 0.25, 60.0)]
    assert heard == [1, 1, 2, 3, 3, 4, 4]
    assert [one.attempt for one in listener.heard] == [1, 2, 3, 4]
    assert [outcome for outcome, _ in listener.outcomes()] == ["500", "302", "404", "200"]


def test_what_is_forged_is_tried_once() -> None:
    listener = Listener(on_callback=lambda callback: 500)
    listener.asked("[[callback-forged]] [[stuck]]")
    for _ in range(20):
        listener.told(10)
    assert [fault for _, fault in listener.outcomes()].count("callback-forged") == 1


def test_after_the_last_attempt_it_is_given_up() -> None:
    listener = Listener(on_callback=lambda callback: 500)
    listener.asked("[[stuck]]")
    for _ in range(20):
        listener.told(10)
    assert listener.sandbox.ledger.callbacks == 2 * 4


def test_a_reset_sandbox_tells_nothing_of_what_was() -> None:
    listener = Listener()
    listener.asked()
    listener.sandbox.world.reset()
    assert listener.told(60) == []


def test_a_reset_while_a_callback_is_under_way_forgets_it() -> None:
    listener = Listener()
    listener.asked()
    letter = listener.sandbox.world.next_callback()
    assert letter is not None
    listener.sandbox.world.reset()
    listener.sandbox.world.delivered(letter, "500")
    assert listener.told(60) == []
    assert listener.outcomes() == []


# --- in process ---


def test_a_function_may_ask_the_sandbox_and_is_given_one_callback_at_a_time() -> None:
    depth, deepest = 0, 0

    def curious(callback: Callback) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)
        listener.poll(callback.task_id)
        depth -= 1

    listener = Listener(on_callback=curious)
    listener.asked()
    listener.told()
    assert (listener.sandbox.ledger.callbacks, listener.sandbox.ledger.polls, deepest) == (3, 3, 1)


def test_what_a_function_raises_comes_out_where_time_passes() -> None:
    def broken(callback: Callback) -> None:
        raise LookupError(callback.task_id)

    listener = Listener(on_callback=broken)
    task_id = listener.asked()
    with pytest.raises(LookupError, match=task_id):
        listener.sandbox.deliver_callbacks()


def test_in_process_nothing_is_posted() -> None:
    listener = Listener(on_callback=None)
    listener.asked()
    listener.told()
    assert listener.sandbox.ledger.callbacks == 0


def test_a_callback_shows_neither_its_address_nor_its_links() -> None:
    listener = Listener()
    listener.asked()
    listener.told()
    assert "token" not in repr(listener.heard)
    assert "signature" not in repr(listener.heard)


# --- by chance ---


def told_by_chance(seed: int) -> Listener:
    """One who was told of many jobs under chaos."""
    listener = Listener(Signing(), chaos=seed, seed=1)
    for number in range(150):
        fields = {"model": "acme-1", "prompt": f"Boat {number}", "callback_url": HOOK}
        listener.reply(replace(json_request("POST", "/acme/v1/videos", fields), headers=(KEY,)))
    listener.told(120)
    return listener


def test_the_same_seed_gives_the_same_callbacks() -> None:
    same, again, other = ([(one.headers, one.body) for one in told_by_chance(seed).heard] for seed in (3, 3, 4))
    assert len(same) > 150
    assert same == again != other


def test_chance_spoils_callbacks_in_every_way() -> None:
    spoilt = {fault for seed in range(3, 7) for _, fault in told_by_chance(seed).outcomes()}
    assert spoilt == {"", *DISTORTIONS}
