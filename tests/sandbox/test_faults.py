"""Each fault does what its sentence says, and the ledger tells what it cost."""

from __future__ import annotations

import msgspec
import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.flow.effects import Phase, TransportError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Status
from reelway.provider.reading import read_create, read_error
from reelway.sandbox import CATALOG, Behaviour, Fault, Place, request_to
from reelway.sandbox.plan import ArmedFault
from reelway.sandbox.spoil import Struck, spoil
from reelway.sandbox.video import video_of
from tests.sandbox.caller import ACME, Caller


def kind_of(response: HttpResponse) -> ErrorKind:
    return read_error(ACME, response).kind


def outcome_of_create(caller: Caller, prompt: str) -> str:
    try:
        return str(caller.create(prompt).status)
    except TransportError as error:
        return error.phase.name


# --- the connection ---


def test_refuse_acts_on_nothing_and_leaves_no_create_on_the_wire() -> None:
    caller = Caller()
    with pytest.raises(TransportError) as caught:
        caller.create("[[refuse]]")
    assert caught.value.phase is Phase.CONNECTING
    assert not caught.value.phase.request_may_have_left
    assert (caller.sandbox.ledger.creates, caller.sandbox.ledger.jobs) == (0, 0)


def test_refuse_lets_the_same_create_pass_when_it_is_spent() -> None:
    caller = Caller()
    seen = [outcome_of_create(caller, "[[refuse:2]]") for _ in range(3)]
    assert seen == ["CONNECTING", "CONNECTING", "200"]
    assert (caller.sandbox.ledger.creates, caller.sandbox.ledger.jobs) == (1, 1)


@pytest.mark.parametrize("name", ["reset", "silence", "half-answer", "garbage"])
def test_an_answer_that_breaks_leaves_a_job_that_was_paid_for(name: str) -> None:
    caller = Caller()
    with pytest.raises(TransportError) as caught:
        caller.create(f"[[{name}]]")
    assert caught.value.phase is Phase.RECEIVING
    assert (caller.sandbox.ledger.creates, caller.sandbox.ledger.jobs) == (1, 1)


@pytest.mark.parametrize("name", ["refuse", "reset", "silence", "half-answer", "garbage"])
def test_a_broken_poll_leaves_the_job_alone(name: str) -> None:
    caller = Caller()
    task_id = caller.made(f"[[retrieve/{name}]]")
    with pytest.raises(TransportError):
        caller.retrieve(task_id)
    assert caller.poll(task_id).status is Status.QUEUED


def test_slow_takes_its_seconds_for_every_answer() -> None:
    caller = Caller()
    before = caller.clock.monotonic()
    task_id = caller.made("[[slow:7]]")
    caller.retrieve(task_id)
    assert caller.clock.monotonic() - before == 14


# --- answers that a provider gives instead ---

REFUSALS = [
    ("unauthorized", 401, ErrorKind.AUTH),
    ("quota", 403, ErrorKind.QUOTA),
    ("invalid", 400, ErrorKind.INVALID_REQUEST),
    ("rate-limit", 429, ErrorKind.RATE_LIMITED),
    ("saturated", 429, ErrorKind.RATE_LIMITED),
    ("unavailable", 503, ErrorKind.UNAVAILABLE),
]


@pytest.mark.parametrize(("name", "status", "kind"), REFUSALS)
def test_a_refused_create_makes_no_job(name: str, status: int, kind: ErrorKind) -> None:
    caller = Caller()
    answer = caller.create(f"[[{name}]]")
    assert (answer.status, kind_of(answer)) == (status, kind)
    assert (caller.sandbox.ledger.creates, caller.sandbox.ledger.jobs) == (1, 0)
    assert caller.create(f"[[{name}]]").status == 200


@pytest.mark.parametrize(("name", "asks"), [("rate-limit", "1"), ("unavailable", "1"), ("saturated", None)])
def test_retry_after_is_sent_where_the_fault_says_so(name: str, asks: str | None) -> None:
    assert Caller().create(f"[[{name}]]").header("retry-after") == asks


def test_a_rate_limit_holds_for_the_next_calls_whichever_they_are() -> None:
    caller = Caller()
    assert outcome_of_create(caller, "[[rate-limit:3]]") == "429"
    assert outcome_of_create(caller, "[[rate-limit:3]]") == "429"
    assert outcome_of_create(caller, "[[retrieve/rate-limit:1]]") == "200"


def test_server_error_spoils_polls_and_not_the_job() -> None:
    caller = Caller()
    task_id = caller.made("[[server-error]]")
    assert [caller.retrieve(task_id).status for _ in range(3)] == [500, 500, 200]


def test_create_500_makes_the_job_all_the_same() -> None:
    caller = Caller()
    assert caller.create("[[create-500]]").status == 500
    assert caller.sandbox.ledger.jobs == 1


def test_upstream_is_a_bad_gateway() -> None:
    caller = Caller()
    answer = caller.retrieve(caller.made("[[upstream]]"))
    assert (answer.status, kind_of(answer)) == (502, ErrorKind.UPSTREAM)


def test_missing_denies_a_fresh_job_twice() -> None:
    caller = Caller()
    task_id = caller.made("[[missing]]")
    assert [caller.poll(task_id).not_found for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("place", ["create", "retrieve"])
def test_html_is_a_web_page_with_200(place: str) -> None:
    caller = Caller()
    created = caller.create(f"[[{place}/html]]")
    answer = created if place == "create" else caller.retrieve(caller.sandbox.ledger.tasks[0].task_id)
    assert (answer.status, answer.media_type) == (200, "text/html")
    assert caller.sandbox.ledger.jobs == 1


def test_redirect_leads_calls_to_a_web_page_where_a_key_is_noticed() -> None:
    caller = Caller()
    answer = caller.create("[[create/redirect]]")
    assert (answer.status, caller.sandbox.ledger.jobs) == (301, 0)
    target = answer.header("location") or ""
    assert caller.fetch(target).media_type == "text/html"
    assert caller.sandbox.ledger.keys_at_links == 0
    caller.fetch(target, ("Authorization", "Bearer good-key"))
    assert caller.sandbox.ledger.keys_at_links == 1


def test_redirect_leads_a_link_to_the_file() -> None:
    caller = Caller()
    task_id = caller.made("[[link/redirect:2]]")
    url, hops = caller.url(task_id), 0
    while (answer := caller.fetch(url)).status == 301:
        url, hops = answer.header("location") or "", hops + 1
    assert (hops, answer.body) == (2, video_of("acme", task_id))


# --- answers that say something odd ---


def test_no_id_creates_a_job_that_nobody_can_name() -> None:
    caller = Caller()
    answer = caller.create("[[no-id]]")
    assert answer.status == 200
    assert "id" not in msgspec.json.decode(answer.body)
    with pytest.raises(ProviderError, match="no usable task id"):
        read_create(ACME, answer, "")
    assert caller.sandbox.ledger.jobs == 1


def test_foreign_id_answers_for_another_task_once() -> None:
    caller = Caller()
    task_id = caller.made("[[foreign-id]]")
    with pytest.raises(ProviderError, match="another task"):
        caller.poll(task_id)
    assert caller.poll(task_id).task_id == task_id


def test_an_id_is_replaced_wherever_it_stands_alone() -> None:
    document = {"id": "1", "data": [{"task_id": "1", "url": "/1/", "error": None}, 1]}
    honest = json_response(document)

    def renamed(name: str) -> object:
        struck = Struck(honest=lambda: honest, error=lambda kind: honest, elsewhere="", task_id="1")
        return msgspec.json.decode(spoil(ArmedFault.parse(name), struck).response.body)

    assert renamed("no-id") == {"data": [{"url": "/1/", "error": None}, 1]}
    assert renamed("foreign-id") == {"id": "10", "data": [{"task_id": "10", "url": "/1/", "error": None}, 1]}


def test_unknown_word_means_nothing_to_anybody() -> None:
    caller = Caller()
    task_id = caller.made("[[unknown-word]]")
    seen = [caller.poll(task_id) for _ in range(3)]
    assert [one.status for one in seen] == [None, None, Status.QUEUED]
    assert seen[0].provider_status == "warming_up"


# --- jobs that take another course ---


def test_fail_gives_the_reason_that_was_asked_for() -> None:
    caller = Caller()
    observed = caller.ended(caller.made("A cat. [[fail:too many cats]]"))
    assert observed.status is Status.FAILED
    assert observed.failure is not None
    assert (observed.failure.code, observed.failure.message) == ("generation_failed", "too many cats")


def test_fail_internal_is_a_failure_of_the_service() -> None:
    caller = Caller()
    assert caller.ended(caller.made("[[fail-internal]]")).status is Status.FAILED


def test_fail_silent_gives_no_reason() -> None:
    caller = Caller()
    observed = caller.ended(caller.made("[[fail-silent]]"))
    assert observed.status is Status.FAILED
    assert observed.failure is not None
    assert observed.failure.message is None


@pytest.mark.parametrize("name", ["cancelled", "expired"])
def test_a_job_can_end_as_its_fault_is_called(name: str) -> None:
    caller = Caller()
    assert caller.ended(caller.made(f"[[{name}]]")).status is Status(name)


def test_stuck_runs_for_ever() -> None:
    caller = Caller()
    task_id = caller.made("[[stuck]]")
    caller.clock.advance(1e6)
    assert caller.poll(task_id).status is Status.RUNNING


@pytest.mark.parametrize("pause", [0.5, 100])
def test_requeue_shows_running_then_queued_then_goes_on(pause: float) -> None:
    caller = Caller()
    task_id = caller.made("[[requeue:2]]")
    words = []
    for _ in range(12):
        caller.clock.advance(pause)
        words.append(caller.poll(task_id).status)
    first = words.index(Status.RUNNING)
    assert words[first : first + 3] == [Status.RUNNING, Status.QUEUED, Status.QUEUED]
    assert words[-1] is Status.SUCCEEDED
    assert Status.QUEUED not in words[first + 3 :]


# --- results that cannot be had at once ---


def test_no_url_leaves_the_content_route() -> None:
    caller = Caller()
    task_id = caller.made("[[no-url]]")
    observed = caller.ended(task_id)
    assert (observed.status, observed.videos) == (Status.SUCCEEDED, ())
    assert caller.content(task_id).body == video_of("acme", task_id)


def test_own_link_needs_the_key() -> None:
    caller = Caller()
    task_id = caller.made("[[own-link]]")
    url = caller.url(task_id)
    assert url.startswith(f"{caller.sandbox.base_url('acme')}/")
    assert caller.fetch(url).status == 401
    assert caller.fetch(url, ("Authorization", "Bearer good-key")).body == video_of("acme", task_id)
    assert caller.sandbox.ledger.keys_at_links == 0


def test_expired_link_is_renewed_by_the_next_poll() -> None:
    caller = Caller()
    task_id = caller.made("[[expired-link]]")
    first = caller.url(task_id)
    assert caller.fetch(first).status == 403
    assert caller.fetch(caller.url(task_id)).status == 200
    assert caller.fetch(first).status == 403


def test_truncated_promises_more_than_it_sends_and_can_be_resumed() -> None:
    caller = Caller()
    task_id = caller.made("[[truncated]]")
    content, url = video_of("acme", task_id), caller.url(task_id)
    part = caller.fetch(url)
    assert part.header("content-length") == str(len(content))
    assert 0 < len(part.body) < len(content)
    tag = part.header("etag") or ""
    rest = caller.fetch(url, ("Range", f"bytes={len(part.body)}-"), ("If-Range", tag))
    assert part.body + rest.body == content


def test_error_page_video_is_a_page_under_a_video_s_name() -> None:
    caller = Caller()
    url = caller.url(caller.made("[[error-page-video]]"))
    page = caller.fetch(url)
    assert (page.status, page.media_type) == (200, "video/mp4")
    assert page.body.startswith(b"<!doctype html>")
    assert caller.fetch(url).body != page.body


def test_no_range_sends_whole_files_only() -> None:
    caller = Caller()
    task_id = caller.made("[[no-range]]")
    answer = caller.fetch(caller.url(task_id), ("Range", "bytes=5-"))
    assert (answer.status, answer.body) == (200, video_of("acme", task_id))


@pytest.mark.parametrize("name", ["refuse", "reset", "silence", "garbage"])
def test_links_break_like_everything_else(name: str) -> None:
    caller = Caller()
    url = caller.url(caller.made(f"[[link/{name}]]"))
    with pytest.raises(TransportError):
        caller.fetch(url)
    assert caller.fetch(url).status == 200


def test_a_link_s_server_error_is_a_file_store_s() -> None:
    caller = Caller()
    answer = caller.fetch(caller.url(caller.made("[[link/server-error]]")))
    assert (answer.status, answer.media_type) == (500, "application/xml")


def test_asking_for_the_head_of_a_file_uses_up_no_fault() -> None:
    caller = Caller()
    url = caller.url(caller.made("[[link/reset]]"))
    assert caller.fetch(url, method="HEAD").status == 200
    with pytest.raises(TransportError):
        caller.fetch(url)


# --- all of them ---


@pytest.mark.parametrize("fault", [one for one in CATALOG if Place.CREATE in one.at], ids=lambda one: one.name)
def test_whether_a_spoilt_create_was_paid_is_as_the_catalog_says(fault: Fault) -> None:
    caller = Caller()
    outcome_of_create(caller, f"[[create/{fault.name}]]")
    ledger = caller.sandbox.ledger
    assert ledger.jobs == (1 if fault.paid else 0)
    assert ledger.calls[-1].fault == fault.name


@pytest.mark.parametrize("fault", CATALOG, ids=lambda one: one.name)
def test_no_fault_outlives_its_count(fault: Fault) -> None:
    """Whatever was asked for, the same create ends in a job, and that job's polls are answered in the end."""
    caller = Caller()
    while not caller.sandbox.ledger.jobs:
        outcome_of_create(caller, f"[[{fault.name}]]")
    [task] = caller.sandbox.ledger.tasks
    reply = caller.sandbox.world.answer(
        request_to(f"/acme/v1/videos/{task.task_id}", headers=(("Authorization", "bearer x"),))
    )
    for _ in range(4):
        reply = caller.sandbox.world.answer(
            request_to(f"/acme/v1/videos/{task.task_id}", headers=(("Authorization", "bearer x"),))
        )
    assert reply.behaviour in {Behaviour.ANSWER, Behaviour.DRIP}
    assert reply.response.status == 200


def test_several_faults_go_together() -> None:
    caller = Caller()
    prompt = "[[create/rate-limit]] [[missing:1]] [[expired-link]] [[truncated]]"
    assert outcome_of_create(caller, prompt) == "429"
    task_id = caller.made(prompt)
    assert caller.poll(task_id).not_found
    assert caller.fetch(caller.url(task_id)).status == 403
    url = caller.url(task_id)
    assert len(caller.fetch(url).body) < len(caller.fetch(url).body)


def test_faults_that_strike_a_create_again_find_another_job() -> None:
    caller = Caller()
    assert [outcome_of_create(caller, "[[reset]]") for _ in range(2)] == ["RECEIVING", "RECEIVING"]
    assert caller.sandbox.ledger.jobs == 2


def test_a_misspelt_fault_is_told_to_who_asked_for_it() -> None:
    caller = Caller()
    answer = caller.create("[[truncate]]")
    reading = read_error(ACME, answer)
    assert (answer.status, reading.code) == (400, "unknown_fault")
    assert "no fault 'truncate'" in reading.message
    assert caller.sandbox.ledger.jobs == 0
