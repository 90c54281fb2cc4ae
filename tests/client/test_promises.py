"""The promises, counted at the server's side and at the file's bytes, over real sockets and with both clients."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from reelway import (
    DownloadError,
    ErrorKind,
    OutputMissing,
    ProviderError,
    ProviderUnreachable,
    ReelwayError,
    Status,
    SubmissionRejected,
    SubmissionUnknown,
    Task,
    TaskFailed,
    WaitTimeout,
)
from reelway.provider.interface import Capability
from reelway.provider.registry import Registry
from reelway.sandbox import CATALOG, Place, Sandbox
from reelway.sandbox.faults import FAULTS, Takes
from reelway.testing import VirtualClock
from tests.client.both import MODELS, Both, Healing, Kind, on_sockets

CREATE_FAULTS: Final = {fault.name: fault for fault in CATALOG if Place.CREATE in fault.at}

KNOWN_ENDS: Final = {
    "unauthorized": SubmissionRejected,
    "quota": SubmissionRejected,
    "invalid": SubmissionRejected,
    "redirect": SubmissionRejected,
    "slow": Task,
    "odd-chunks": Task,
    "rate-limit": Task,
    "retry-after": Task,
    "saturated": Task,
    "unavailable": Task,
}
"""What becomes of a create under a fault; every other fault leaves its outcome unknown."""


TIMES_SENT: Final = {"refuse": 0, "rate-limit": 2, "retry-after": 2, "saturated": 2, "unavailable": 2}
"""How often a create arrives: again only where it was turned away before anything was created."""


class Spot(NamedTuple):
    """A fault at one of the two calls that serve a file."""

    place: Place
    fault: str

    def prompt(self, times: int = 1) -> str:
        linkless = "[[no-url]] " if self.place is Place.CONTENT else ""
        return f"A cat. {linkless}{mark(self.fault, self.place, times)}"


FILE_FAULTS: Final = [
    Spot(place, fault.name) for place in (Place.LINK, Place.CONTENT) for fault in CATALOG if place in fault.at
]

HOPELESS: Final = {
    Spot(Place.CONTENT, name) for name in ("unauthorized", "html", "redirect", "error-page-video", "empty", "bomb")
}
"""Answers of the content route after which this download is given up; no other place serves the file."""

REPLACED: Final = {Spot(Place.LINK, name) for name in ("redirect", "error-page-video")}
"""Links that serve no file are given up for the content route."""

HARMLESS: Final = {"slow", "odd-chunks", "no-range", "wrong-range", "changed-file", "silence"}
"""Faults that no download fails at, however often they strike; silence only because nobody waits so long here."""

LASTING: Final = [
    spot
    for spot in FILE_FAULTS
    if FAULTS[spot.fault].takes is Takes.TIMES and spot.fault not in HARMLESS and spot not in REPLACED
]

REMIXER: Final = next(
    provider.info.name
    for provider in Registry.installed().providers
    if Capability.REMIX in provider.info.capabilities
)


SERVING: Final = [
    provider.info.name
    for provider in Registry.installed().providers
    if Capability.CONTENT in provider.info.capabilities
]
"""The providers with a content route; of the others a link is the only way to the video."""

SOLO: Final = SERVING[0]
"""Links and files are served alike for all providers, so one that has both ways is enough."""


@pytest.fixture
def solo(kind: Kind, sandbox: Sandbox, clock: VirtualClock) -> Iterator[Both]:
    with on_sockets(kind, sandbox, clock, SOLO) as both:
        yield both


def mark(name: str, place: Place, times: int = 1) -> str:
    """How a fault is asked for at one call only."""
    fault = next(fault for fault in CATALOG if fault.name == name)
    argument = {Takes.TIMES: f":{times}", Takes.SECONDS: ":0.1"}.get(fault.takes, "")
    return f"[[{place}/{name}{argument}]]"


def outcome(caller: Both, prompt: str, provider: str) -> type[Task | ReelwayError]:
    try:
        return type(caller.create(prompt, model=MODELS[provider]))
    except ReelwayError as error:
        return type(error)


# --- one submit, at most one create ---


@pytest.mark.parametrize("name", CREATE_FAULTS)
def test_no_fault_of_a_create_makes_a_second_job(
    name: str, caller: Both, sandbox: Sandbox, provider: str, request: pytest.FixtureRequest
) -> None:
    if name == "silence":
        request.getfixturevalue("impatient")
    ended = outcome(caller, f"A cat. {mark(name, Place.CREATE)}", provider)
    assert ended is KNOWN_ENDS.get(name, SubmissionUnknown)
    ledger = sandbox.ledger
    assert ledger.jobs == (1 if ended is Task or CREATE_FAULTS[name].paid else 0)
    assert ledger.creates == TIMES_SENT.get(name, 1)


def test_a_create_that_never_left_is_sent_again_and_made_once(kind: Kind, provider: str) -> None:
    clock = Healing()
    with Sandbox(clock=clock) as sandbox, on_sockets(kind, sandbox, clock, provider) as caller:
        clock.wound.enter_context(sandbox.unreachable())
        caller.create("A cat.", model=MODELS[provider])
        assert clock.monotonic() > 0
        assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (1, 1)


def test_a_create_that_cannot_leave_is_given_up_unsent(caller: Both, sandbox: Sandbox, provider: str) -> None:
    with sandbox.unreachable(), pytest.raises(ProviderError) as caught:
        caller.create("A cat.", model=MODELS[provider])
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert caught.value.resubmit_safe
    assert sandbox.ledger.creates == 0


def test_a_remix_is_as_safe_as_a_create(kind: Kind, sandbox: Sandbox, clock: VirtualClock) -> None:
    with on_sockets(kind, sandbox, clock, REMIXER) as caller:
        task = caller.wait(caller.create("A cat.", model=MODELS[REMIXER]))
        with pytest.raises(SubmissionUnknown):
            caller.remix(task, "A dog. [[create/reset]]", model=MODELS[REMIXER])
    assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (2, 2)


# --- an unknown word is never an ending ---


def test_an_unknown_word_is_no_ending(caller: Both, sandbox: Sandbox, provider: str) -> None:
    task = caller.create("A cat. [[unknown-word:3]]", model=MODELS[provider])
    seen = caller.watch(task)
    assert [one.status.final for one in seen] == [False] * (len(seen) - 1) + [True]
    assert seen[-1].status is Status.SUCCEEDED
    assert any(one.unknown_words for one in seen)


def test_a_word_that_stays_unknown_is_bounded_by_the_callers_patience(caller: Both, provider: str) -> None:
    task = caller.create("A cat. [[unknown-word:9999]]", model=MODELS[provider])
    with pytest.raises(WaitTimeout) as caught:
        caller.wait(task, timeout=120)
    held = caught.value.task
    assert held is not None
    assert not held.final
    assert len(held.unknown_words) == 1


# --- what you download is the video ---


@pytest.mark.parametrize("spot", FILE_FAULTS, ids="-".join)
def test_the_file_is_what_was_served_or_is_not_there(
    spot: Spot, solo: Both, sandbox: Sandbox, target: Path, request: pytest.FixtureRequest
) -> None:
    if spot.fault == "silence":
        request.getfixturevalue("impatient")
    task = solo.wait(solo.create(spot.prompt(), model=MODELS[SOLO]))
    if spot in HOPELESS:
        with pytest.raises(OutputMissing):
            solo.download(task, target)
        assert not target.exists()
    held = solo.download(task, target)
    served = sandbox.ledger.task(task.id)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == held.sha256 == served.sha256
    assert held.size == target.stat().st_size == served.size
    assert list(target.parent.iterdir()) == [target]
    assert (sandbox.ledger.jobs, sandbox.ledger.keys_at_links) == (1, 0)


@pytest.mark.parametrize("spot", LASTING, ids="-".join)
def test_nothing_stands_under_the_final_name_when_the_download_fails(
    spot: Spot, solo: Both, sandbox: Sandbox, target: Path
) -> None:
    with pytest.raises(DownloadError) as caught:
        solo.generate(spot.prompt(times=99), model=MODELS[SOLO], to=target)
    assert not target.exists()
    assert caught.value.task is not None
    assert caught.value.task.id == sandbox.ledger.tasks[0].task_id
    assert (sandbox.ledger.creates, sandbox.ledger.keys_at_links) == (1, 0)


def test_a_download_that_failed_succeeds_when_it_is_asked_for_again(
    caller: Both, sandbox: Sandbox, provider: str, tmp_path: Path
) -> None:
    target = tmp_path / "cat.mp4"
    trouble = "[[no-url]] [[content/truncated:6]]" if provider in SERVING else "[[link/reset:6]]"
    task = caller.wait(caller.create(f"A cat. {trouble}", model=MODELS[provider]))
    with pytest.raises(DownloadError):
        caller.download(task, target)
    assert not target.exists()
    assert caller.download(task, target).sha256 == sandbox.ledger.task(task.id).sha256


@pytest.mark.parametrize("fault", ["expired-link", "expired-link:2", "no-range"])
def test_odd_links_lead_to_the_video_and_no_key_leaves(
    fault: str, caller: Both, sandbox: Sandbox, provider: str, target: Path
) -> None:
    held = caller.generate(f"A cat. [[{fault}]]", model=MODELS[provider], to=target)
    ledger = sandbox.ledger
    assert held.sha256 == ledger.tasks[0].sha256
    assert (ledger.creates, ledger.keys_at_links) == (1, 0)


@pytest.mark.parametrize("fault", ["own-link", "no-url"])
def test_without_a_link_the_content_route_serves_where_there_is_one(
    fault: str, caller: Both, sandbox: Sandbox, provider: str, target: Path
) -> None:
    task = caller.wait(caller.create(f"A cat. [[{fault}]]", model=MODELS[provider]))
    if provider in SERVING:
        assert caller.download(task, target).sha256 == sandbox.ledger.tasks[0].sha256
    else:
        with pytest.raises(DownloadError):
            caller.download(task, target)
        assert not target.exists()
    assert (sandbox.ledger.creates, sandbox.ledger.keys_at_links) == (1, 0)


def test_a_redirect_of_the_api_takes_no_key_along(caller: Both, sandbox: Sandbox, provider: str) -> None:
    caller.wait(caller.create("A cat. [[retrieve/redirect:2]]", model=MODELS[provider]))
    assert sandbox.ledger.keys_at_links == 0


# --- a wait that ends loses nothing ---


def test_a_wait_that_times_out_holds_the_task_and_can_be_taken_up_again(
    caller: Both, sandbox: Sandbox, provider: str
) -> None:
    task = caller.create("A cat.", model=MODELS[provider])
    with pytest.raises(WaitTimeout) as caught:
        caller.wait(task, timeout=1)
    held = caught.value.task
    assert held is not None
    assert held.ref == task.ref
    assert caller.wait(held).status is Status.SUCCEEDED
    assert sandbox.ledger.creates == 1


def test_an_unreachable_provider_ends_the_wait_and_not_the_job(
    caller: Both, sandbox: Sandbox, provider: str
) -> None:
    task = caller.create("A cat.", model=MODELS[provider])
    with sandbox.unreachable(), pytest.raises(ProviderUnreachable) as caught:
        caller.wait(task)
    held = caught.value.task
    assert held is not None
    assert not held.final
    assert caller.wait(held).status is Status.SUCCEEDED
    assert sandbox.ledger.creates == 1


def test_a_refused_key_ends_the_wait_at_once(caller: Both, sandbox: Sandbox, provider: str) -> None:
    task = caller.create("A cat. [[retrieve/unauthorized]]", model=MODELS[provider])
    with pytest.raises(ProviderUnreachable) as caught:
        caller.wait(task)
    assert sandbox.ledger.polls == 1
    assert caught.value.task is not None
    assert caller.wait(caught.value.task).status is Status.SUCCEEDED


POLL_FAULTS: Final = [
    fault.name
    for fault in CATALOG
    if Place.RETRIEVE in fault.at and not fault.shapes and fault.name not in {"unauthorized", "silence"}
]


@pytest.mark.parametrize("name", POLL_FAULTS)
def test_trouble_with_a_poll_changes_nothing_about_the_job(
    name: str, solo: Both, sandbox: Sandbox, target: Path
) -> None:
    prompt = f"A cat. {mark(name, Place.RETRIEVE, times=2)}"
    held = solo.generate(prompt, model=MODELS[SOLO], to=target)
    assert held.sha256 == sandbox.ledger.tasks[0].sha256
    assert sandbox.ledger.creates == 1


BAD_ENDS: Final = ("fail", "fail-internal", "fail-silent", "cancelled", "expired")


@pytest.mark.parametrize("name", BAD_ENDS)
def test_a_bad_end_is_told_and_nothing_is_created_anew(
    name: str, caller: Both, sandbox: Sandbox, provider: str, target: Path
) -> None:
    with pytest.raises(TaskFailed) as caught:
        caller.generate(f"A cat. [[{name}]]", model=MODELS[provider], to=target)
    assert caught.value.task is not None
    assert caught.value.task.final
    assert not target.exists()
    assert (sandbox.ledger.creates, sandbox.ledger.downloads) == (1, 0)
