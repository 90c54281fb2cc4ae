"""The simulated world: keys, paths, jobs, links that expire, and the ledger that saw it all."""

from __future__ import annotations

import hashlib
from threading import Thread

import pytest

from reelway.errors import ErrorKind
from reelway.model.http import Headers, HttpRequest, Multipart, json_request
from reelway.model.observation import Status
from reelway.provider.reading import read_create, read_error
from reelway.sandbox import Behaviour, request_to
from reelway.sandbox.ledger import CALLS_KEPT
from reelway.sandbox.video import video_of
from tests.sandbox.caller import ACME, KEY, Caller

# --- keys and paths ---


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Authorization", ""),),
        (("Authorization", "Bearer"),),
        (("Authorization", "Bearer   "),),
        (("Authorization", "Basic Zm9v"),),
        (("Authorization", "Bearer bad-key"),),
    ],
)
def test_without_a_good_key_nothing_is_created(headers: Headers) -> None:
    caller = Caller()
    answer = caller.create(headers=headers)
    assert (answer.status, read_error(ACME, answer).kind) == (401, ErrorKind.AUTH)
    ledger = caller.sandbox.ledger
    assert (ledger.creates, ledger.jobs, ledger.refused) == (1, 0, 1)


def test_every_other_key_is_good() -> None:
    assert Caller().create(headers=(("authorization", "bearer x"),)).status == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/acme/v1/videos"), ("PUT", "/acme/v1/videos/1"), ("GET", "/acme")]
)
def test_a_path_that_the_provider_does_not_serve_is_its_own_404(method: str, path: str) -> None:
    caller = Caller()
    answer = caller.send(method, path)
    assert read_error(ACME, answer).kind is ErrorKind.UNSUPPORTED
    assert caller.sandbox.ledger.refused == 1


def test_a_provider_that_is_not_there_is_told_by_the_sandbox() -> None:
    answer = Caller().send("GET", "/nobody/v1/videos/1")
    assert answer.status == 404
    assert b"no provider 'nobody'" in answer.body


def test_an_unknown_task_is_not_found() -> None:
    caller = Caller()
    assert caller.poll("task_1").not_found
    assert caller.sandbox.ledger.polls == 1


def test_a_create_without_a_body_is_malformed() -> None:
    caller = Caller()
    answer = caller.send("POST", "/acme/v1/videos")
    assert read_error(ACME, answer).kind is ErrorKind.INVALID_REQUEST
    assert caller.sandbox.ledger.jobs == 0


def test_a_form_has_to_be_written_out_first() -> None:
    request = HttpRequest(method="POST", path="/acme/v1/videos", headers=(KEY,), body=Multipart())
    with pytest.raises(TypeError, match="bytes"):
        Caller().sandbox.respond(request)


# --- jobs ---


def test_a_create_is_answered_as_queued_under_a_new_id() -> None:
    caller = Caller()
    first, second = read_create(ACME, caller.create(), ""), read_create(ACME, caller.create(), "")
    assert first.status is Status.QUEUED
    assert first.task_id != second.task_id


def test_content_that_is_not_ready_is_refused_as_the_provider_does() -> None:
    caller = Caller()
    answer = caller.content(caller.made())
    assert read_error(ACME, answer).kind is ErrorKind.NOT_READY
    assert caller.sandbox.ledger.downloads == 0


def test_the_content_route_passes_no_range_on() -> None:
    caller = Caller()
    task_id = caller.made()
    caller.clock.advance(3)
    answer = caller.send("GET", f"/acme/v1/videos/{task_id}/content", headers=(KEY, ("Range", "bytes=5-")))
    assert (answer.status, answer.body) == (200, video_of("acme", task_id))


def remix(caller: Caller, source: str) -> ErrorKind | str:
    written = json_request("POST", f"/acme/v1/videos/{source}/remix", {"prompt": "Slower. [[no-url]]"})
    answer = caller.sandbox.respond(
        HttpRequest(method="POST", path=written.path, headers=(KEY,), body=written.body)
    )
    return (read_create(ACME, answer, "").task_id or "") if answer.ok else read_error(ACME, answer).kind


def test_a_remix_makes_a_job_of_its_own_from_one_that_succeeded() -> None:
    caller = Caller()
    source = caller.made("[[expired-link]]")
    assert remix(caller, source) is ErrorKind.NOT_READY
    caller.clock.advance(3)
    made = remix(caller, source)
    assert caller.sandbox.ledger.task(made).faults == ("no-url",)
    assert caller.ended(made).model == "acme-1"
    assert caller.sandbox.ledger.creates == 3
    assert remix(caller, "nobody") is ErrorKind.NOT_FOUND


# --- links ---


def test_the_file_is_what_the_ledger_says() -> None:
    caller = Caller()
    task_id = caller.made()
    answer = caller.fetch(caller.url(task_id))
    entry = caller.sandbox.ledger.task(task_id, "acme")
    assert (len(answer.body), hashlib.sha256(answer.body).hexdigest()) == (entry.size, entry.sha256)
    assert answer.body == caller.content(task_id).body
    assert caller.sandbox.ledger.task(task_id).downloads == 2


def test_a_link_expires_when_its_time_is_over_and_a_poll_renews_it() -> None:
    caller = Caller(link_seconds=60)
    task_id = caller.made()
    observed = caller.ended(task_id)
    [video] = observed.videos
    url = video.url.reveal()
    assert video.expires_at is not None
    caller.clock.advance((video.expires_at - caller.clock.now()).total_seconds() - 0.5)
    assert caller.fetch(url).status == 200
    caller.clock.advance(1)
    assert caller.fetch(url).status == 403
    assert caller.fetch(caller.url(task_id)).status == 200


def test_a_link_stays_the_same_while_it_works() -> None:
    caller = Caller()
    task_id = caller.made()
    assert caller.url(task_id) == caller.url(task_id)


def test_a_link_that_was_tampered_with_is_refused() -> None:
    caller = Caller()
    first, second = caller.made(), caller.made()
    url = caller.url(first)
    forged = [url.replace(first, second), url.replace("expires=", "expires=9"), url[:-1], url.partition("?")[0]]
    assert [caller.fetch(one).status for one in (url, *forged)] == [200, 403, 403, 403, 403]


def test_the_same_seed_signs_the_same_links() -> None:
    def url(seed: int) -> str:
        caller = Caller(seed=seed)
        return caller.url(caller.made())

    assert url(1) == url(1)
    assert url(1) != url(2)


def test_a_link_needs_no_key_and_one_that_comes_is_noticed() -> None:
    caller = Caller()
    url = caller.url(caller.made())
    caller.fetch(url)
    assert caller.sandbox.ledger.keys_at_links == 0
    caller.fetch(url, KEY)
    assert caller.sandbox.ledger.keys_at_links == 1


def test_a_link_serves_get_and_head_only() -> None:
    caller = Caller()
    url = caller.url(caller.made())
    assert caller.fetch(url, method="POST").status == 405
    head = caller.fetch(url, method="HEAD")
    assert (head.status, head.body, head.header("content-length")) == (200, b"", str(len(caller.fetch(url).body)))


def test_a_link_of_a_job_that_was_forgotten_leads_nowhere() -> None:
    caller = Caller()
    url = caller.url(caller.made())
    caller.sandbox.world.reset()
    assert caller.fetch(url).status == 404


# --- the ledger ---


def test_the_ledger_counts_what_arrived_for_each_task_and_provider() -> None:
    caller = Caller()
    quiet, busy = caller.made(), caller.made()
    for _ in range(3):
        caller.poll(busy)
    url = caller.url(busy)
    caller.fetch(url)
    caller.fetch(url, ("Range", "bytes=9-"))
    caller.fetch(url, ("Range", "bytes=99999999-"))
    caller.fetch(url, method="HEAD")
    ledger = caller.sandbox.ledger
    assert (ledger.creates, ledger.jobs, ledger.polls, ledger.downloads, ledger.refused) == (2, 2, 4, 2, 0)
    assert [(task.task_id, task.polls, task.downloads) for task in ledger.tasks] == [(quiet, 0, 0), (busy, 4, 2)]
    assert [task.status for task in ledger.tasks] == [Status.SUCCEEDED] * 2
    assert ledger.providers["acme"].polls == 4


def test_the_ledger_knows_the_last_calls_and_what_was_to_blame() -> None:
    caller = Caller()
    task_id = caller.made("[[server-error:1]]")
    caller.retrieve(task_id)
    caller.fetch(caller.url(task_id))
    calls = [(call.call, call.outcome, call.fault, call.task_id) for call in caller.sandbox.ledger.calls]
    assert calls == [
        ("create", "200", "", task_id),
        ("retrieve", "500", "server-error", task_id),
        ("retrieve", "200", "", task_id),
        ("link", "200", "", task_id),
    ]


def test_the_ledger_keeps_a_bounded_number_of_calls_and_counts_all() -> None:
    caller = Caller()
    task_id = caller.made()
    for _ in range(CALLS_KEPT + 20):
        caller.retrieve(task_id)
    assert len(caller.sandbox.ledger.calls) == CALLS_KEPT
    assert caller.sandbox.ledger.polls == CALLS_KEPT + 20


def test_the_ledger_names_no_key() -> None:
    caller = Caller()
    caller.fetch(caller.url(caller.made()), ("Authorization", "Bearer top-secret"))
    caller.create(headers=(("Authorization", "Bearer top-secret"),))
    assert b"top-secret" not in caller.desk("GET", "ledger").body


def test_a_job_that_is_not_there_is_an_error_of_lookup() -> None:
    with pytest.raises(LookupError, match="no job 'nobody'"):
        _ = Caller().sandbox.ledger.task("nobody")


def test_creates_from_many_threads_are_all_counted() -> None:
    caller = Caller()
    threads = [Thread(target=lambda: [caller.made() for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = caller.sandbox.ledger
    assert ledger.creates == len({task.task_id for task in ledger.tasks}) == 160


# --- requests and replies ---


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        ("http://host:1/a/b?x=1&y=", "/a/b", (("x", "1"), ("y", ""))),
        ("/a?x=%20#f", "/a", (("x", " "),)),
        ("//a/b", "//a/b", ()),
        ("http://host", "/", ()),
    ],
)
def test_a_url_becomes_the_request_that_it_stands_for(url: str, path: str, query: Headers) -> None:
    request = request_to(url)
    assert (request.method, request.path, request.query) == ("GET", path, query)


def test_a_truncated_reply_is_known_by_what_arrives_of_it() -> None:
    caller = Caller()
    url = caller.url(caller.made("[[truncated]]"))
    reply = caller.sandbox.world.answer(request_to(url))
    assert (reply.behaviour, reply.outcome, reply.fault) == (Behaviour.TRUNCATE, "200", "truncated")
    assert len(reply.arriving) == len(reply.response.body) // 2
