from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import reelway

PLUGINS = Path(__file__).parents[2] / "plugins"

KEYS = [
    "status",
    "provider_status",
    "terminal",
    "progress",
    "created_at",
    "completed_at",
    "expires_at",
    "video_url",
    "task_id",
    "model",
    "error",
]

MP4 = "https://example.com/generated.mp4"


def sample(provider: str, name: str) -> str:
    return str(PLUGINS / provider / "tests" / "samples" / f"{name}.json")


def explained(provider: str, *arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    said = reelway("explain", "--provider", provider, *arguments, stdin=stdin)
    assert (said.code, said.err) == (0, "")
    reading: dict[str, Any] = json.loads(said.out)
    assert list(reading) == KEYS
    return reading


READINGS: dict[str, tuple[str, str, tuple[str, ...], dict[str, Any]]] = {
    "a finished job": (
        "cometapi",
        "get-success-uppercase",
        (),
        {
            "status": "succeeded",
            "provider_status": "SUCCESS",
            "terminal": True,
            "progress": 100,
            "created_at": "2026-04-19T03:00:10Z",
            "completed_at": "2026-04-19T03:02:24Z",
            "expires_at": None,
            "video_url": MP4,
            "task_id": "task_abc123",
            "model": "doubao-seedance-2-0-fast",
            "error": None,
        },
    ),
    "an end time that came too early": (
        "cometapi",
        "get-in-progress-lowercase-completed-at-set",
        (),
        {"status": "running", "terminal": False, "progress": 30, "completed_at": None},
    ),
    "milliseconds and an expiry": (
        "infinityblue",
        "get-completed-with-expiry",
        (),
        {"completed_at": "2025-11-28T16:26:10Z", "expires_at": "2025-11-29T16:26:10Z"},
    ),
    "a failed job": (
        "infinityblue",
        "get-failed",
        (),
        {
            "status": "failed",
            "terminal": True,
            "video_url": None,
            "error": {
                "kind": "internal",
                "code": "generation_failed",
                "message": "generation failed",
                "retryable": False,
            },
        },
    ),
    "a wrapped answer of another route": (
        "infinityblue",
        "new-api-generations-get-in-progress-taskdto",
        (),
        {"status": "running", "task_id": "task_0123456789abcdefghijklmnopqrstuv", "progress": 50},
    ),
    "a wrapped success": (
        "octopusx",
        "generations-seedance2-get-success",
        ("--route", "generations"),
        {"status": "succeeded", "video_url": "https://example.com/video.mp4", "task_id": "task_xxxxx"},
    ),
    "a create": (
        "octopusx",
        "create-queued-sora",
        ("--call", "create"),
        {"status": "queued", "task_id": "video_abc123", "terminal": False},
    ),
    "a create that names no word": (
        "octopusx",
        "generations-seedance2-create",
        ("--call", "create"),
        {"status": "unknown", "provider_status": None, "task_id": "cgt-20260412163502-x8k2m", "error": None},
    ),
    "a callback": (
        "octopusx",
        "ark-get-succeeded",
        ("--call", "callback"),
        {"status": "succeeded", "model": "doubao-seedance-2-0-260128"},
    ),
    "a task that nobody knows": (
        "cometapi",
        "error-400-task-not-exist-flat",
        ("--http-status", "400"),
        {
            "status": "not_found",
            "terminal": False,
            "task_id": None,
            "error": {
                "kind": "not_found",
                "code": "task_not_exist",
                "message": "task_not_exist",
                "retryable": False,
            },
        },
    ),
    "a result": (
        "fal",
        "result-video",
        ("--call", "result"),
        {"status": "succeeded", "terminal": True, "video_url": "https://v3.fal.media/files/rabbit/output.mp4"},
    ),
    "a bad end in place of a result": (
        "fal",
        "result-499-client-cancelled",
        ("--call", "result", "--http-status", "499"),
        {"status": "cancelled", "provider_status": "client_cancelled", "terminal": True},
    ),
    "trouble in place of a result": (
        "fal",
        "result-422-missing",
        ("--call", "result", "--http-status", "401"),
        {"status": "unknown", "terminal": False},
    ),
    "a refused key": (
        "infinityblue",
        "error-401-invalid-api-key",
        ("--http-status", "401"),
        {"status": "unknown"},
    ),
}


@pytest.mark.parametrize(("provider", "name", "options", "expected"), READINGS.values(), ids=READINGS)
def test_a_sample_is_explained(
    provider: str, name: str, options: tuple[str, ...], expected: dict[str, Any]
) -> None:
    reading = explained(provider, sample(provider, name), *options)
    assert {key: reading[key] for key in expected} == expected


def test_a_word_that_nobody_has_seen_is_unknown_and_no_end() -> None:
    body = {"id": "t", "status": "marinating", "progress": 100, "completed_at": 1777385552, "video_url": MP4}
    reading = explained("cometapi", "-", stdin=json.dumps(body).encode())
    assert (reading["status"], reading["provider_status"], reading["terminal"]) == ("unknown", "marinating", False)
    assert (reading["completed_at"], reading["video_url"]) == (None, None)


UNREADABLE = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "a web page": b"<html></html>",
    "two values for one field": b'{"id": "a", "status": "completed", "status": "failed"}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_explained_as_that(body: bytes) -> None:
    reading = explained("cometapi", "-", stdin=body)
    assert (reading["status"], reading["terminal"]) == ("unknown", False)
    assert reading["error"]["kind"] == "protocol"
    assert reading["error"]["retryable"] is True


def test_a_create_without_an_id_is_unreadable() -> None:
    reading = explained("cometapi", "-", "--call", "create", stdin=b'{"status": "queued"}')
    assert reading["error"]["kind"] == "protocol"


def test_a_callback_that_cannot_be_read_is_explained_as_that() -> None:
    reading = explained("cometapi", "-", "--call", "callback", stdin=b"{")
    assert reading["error"]["kind"] == "protocol"


def test_a_web_page_with_404_is_a_wrong_address_and_no_missing_task() -> None:
    page = b"<html><title>404</title></html>"
    assert explained("cometapi", "-", "--http-status", "404", stdin=page)["error"]["kind"] == "protocol"
    typed = ("--header", "Content-Type: application/json")
    assert explained("cometapi", "-", "--http-status", "404", *typed, stdin=page)["status"] == "not_found"


def test_a_create_that_is_refused_with_404_is_no_missing_task() -> None:
    reading = explained("cometapi", "-", "--call", "create", "--http-status", "404", stdin=b"{}")
    assert reading["status"] == "unknown"


def test_with_json_the_reading_is_one_line() -> None:
    said = reelway("explain", "--provider", "cometapi", sample("cometapi", "get-queued-wan"), "--json")
    assert said.record["status"] == "queued"


def test_what_could_steer_a_terminal_is_written_as_escapes() -> None:
    body = b'{"id": "t", "status": "\\u001b[2J\\u009b2J\\u202e"}'
    said = reelway("explain", "--provider", "cometapi", "-", stdin=body)
    assert all(sign.isprintable() or sign == "\n" for sign in said.out)
    assert json.loads(said.out)["provider_status"] == "\x1b[2J\x9b2J\u202e"


MISTAKES = {
    "no such file": ("no-such-file",),
    "a folder": (".",),
    "no such route": ("-", "--route", "scenic"),
    "no such call": ("-", "--call", "phone"),
    "a header without a value": ("-", "--header", "nonsense"),
    "no HTTP status": ("-", "--http-status", "7"),
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_question_is_wrong_use(arguments: tuple[str, ...]) -> None:
    assert reelway("explain", "--provider", "cometapi", *arguments, stdin=b"{}").code == 2


@pytest.mark.parametrize(("call", "told"), [("callback", "callback"), ("result", "retrieve")])
def test_a_provider_without_such_a_call_says_so(call: str, told: str) -> None:
    said = reelway("explain", "--provider", "infinityblue", "--call", call, "-", stdin=b"{}")
    assert said.code == 2
    assert told in said.err


def for_sample(*arguments: str, stdin: bytes) -> dict[str, Any]:
    said = reelway("explain", "--provider", "cometapi", "-", "--for-sample", *arguments, stdin=stdin)
    assert (said.code, said.err) == (0, "")
    reading: dict[str, Any] = json.loads(said.out)
    return reading


def test_for_a_sample_how_the_answer_came_stands_beside_the_reading() -> None:
    body = b'{"id": "t", "status": "queued"}'
    assert list(for_sample(stdin=body)) == KEYS
    came = ("--call", "create", "--http-status", "202", "--route", "", "--header", "X-Request-Id: r")
    reading = for_sample(*came, stdin=body)
    expected = {"call": "create", "http_status": 202, "route": "", "headers": {"X-Request-Id": "r"}}
    assert {name: reading.pop(name) for name in expected} == expected
    assert list(reading) == KEYS


RECORDED = {
    "provider": "cometapi",
    "call": "create",
    "request": {},
    "response": {"status": 202, "headers": [], "body": {"id": "t", "status": "queued"}},
}


def test_a_recorded_exchange_says_itself_how_the_answer_came() -> None:
    reading = explained("cometapi", "-", stdin=json.dumps(RECORDED).encode())
    assert (reading["task_id"], reading["status"]) == ("t", "queued")
    refused = RECORDED | {"response": {"status": 429, "headers": [], "body": None}}
    assert explained("cometapi", "-", stdin=json.dumps(refused).encode())["error"]["kind"] == "rate_limited"


def test_what_is_said_of_a_recorded_exchange_counts_more_than_what_it_says() -> None:
    body = json.dumps(RECORDED).encode()
    assert explained("cometapi", "-", "--http-status", "500", stdin=body)["error"]["kind"] == "unavailable"
