"""What an answer says passes one border, and only what is believable gets past it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import Billed, ErrorKind, Fault, NotSupported, PluginError, ProviderError
from reelway.model.http import Headers, HttpRequest, HttpResponse, json_response
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret
from reelway.provider.interface import Cadence, ErrorReading, Provider, ProviderInfo, kind_of_status
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.readers import MAX_TEXT
from reelway.provider.reading import (
    EXCERPT_WINDOWS,
    excerpt,
    read_callback,
    read_create,
    read_error,
    read_retrieve,
    redact,
    retry_after,
)
from reelway.provider.videos_api import Dialect, Places, VideosApi

CATALOG = Catalog((), fallback=ModelSpec(name="*", form="plain"))
INFO = ProviderInfo(
    name="acme",
    title="Acme",
    base_url="https://api.acme.example",
    key_variable="ACME_API_KEY",
    docs_url="https://docs.acme.example",
    words={
        "waiting": Status.QUEUED,
        "busy": Status.RUNNING,
        "done": Status.SUCCEEDED,
        "failed": Status.FAILED,
        "blocked": Status.FAILED,
    },
    failure_kinds={"blocked": FailureKind.MODERATION},
    cadence=Cadence(5, 10),
)


class Acme(VideosApi):
    info = INFO
    models = CATALOG


class Scripted(Provider):
    """A plugin that answers whatever its script says, and stumbles as the script stumbles."""

    info = INFO
    models = CATALOG

    def __init__(self, script: Callable[[], Any]) -> None:
        self.script = script

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        return HttpRequest(method="POST", path="v1/videos")

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path="v1/videos")

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        said: Observation = self.script()
        return said

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        said: Observation = self.script()
        return said

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        said: list[Observation] = self.script()
        return said

    def read_error(self, response: HttpResponse) -> ErrorReading:
        said: ErrorReading = self.script()
        return said


ACME = Acme()
OK = HttpResponse(status=200, body=b"{}")
TROUBLE = HttpResponse(status=500, body=b"{}")


def saying(**document: Any) -> HttpResponse:
    return json_response({"id": "job-1"} | document)


def raw(text: str) -> HttpResponse:
    return HttpResponse(status=200, headers=(("Content-Type", "application/json"),), body=text.encode())


def refusal(response: HttpResponse, task_id: str = "job-1") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read_retrieve(ACME, response, "", task_id)
    return caught.value


# What is believed.


def test_a_poll_gets_the_meaning_of_its_word() -> None:
    seen = read_retrieve(ACME, saying(status="Busy", progress=40), "", "job-1")
    assert (seen.source, seen.provider_status, seen.status) == (Source.POLL, "Busy", Status.RUNNING)


def test_a_create_is_marked_as_such() -> None:
    assert read_create(ACME, saying(status="waiting"), "").source is Source.CREATE


def test_an_unknown_word_has_no_meaning() -> None:
    seen = read_retrieve(ACME, saying(status="meditating"), "", "job-1")
    assert (seen.provider_status, seen.status) == ("meditating", None)


def test_an_answer_without_an_id_is_about_the_task_that_was_asked_for() -> None:
    assert read_retrieve(ACME, json_response({"status": "busy"}), "", "job-1").status is Status.RUNNING


@pytest.mark.parametrize("word", ["waiting", "busy", "done", "meditating"])
def test_only_a_bad_end_has_a_reason(word: str) -> None:
    error = {"code": "42", "message": "no luck"}
    assert read_retrieve(ACME, saying(status=word, error=error), "", "job-1").failure is None


def test_a_bad_end_always_has_a_failure() -> None:
    assert read_retrieve(ACME, saying(status="failed"), "", "job-1").failure == Failure()


@pytest.mark.parametrize(
    ("word", "said", "kind"),
    [
        ("blocked", None, FailureKind.MODERATION),
        ("blocked", Failure(code="42"), FailureKind.MODERATION),
        ("blocked", Failure(kind=FailureKind.TIMEOUT), FailureKind.TIMEOUT),
        ("failed", None, FailureKind.UNKNOWN),
    ],
)
def test_a_word_can_tell_the_kind_of_failure_where_nothing_else_does(
    word: str, said: Failure | None, kind: FailureKind
) -> None:
    told = Scripted(lambda: Observation(provider_status=word, failure=said))
    seen = read_retrieve(told, OK, "", "job-1")
    assert seen.failure is not None
    assert seen.failure.kind is kind


# What is not believed.


def test_an_answer_about_another_task_is_refused() -> None:
    error = refusal(saying(status="done"), task_id="job-2")
    assert error.kind is ErrorKind.PROTOCOL
    assert "speaks of another task than the one asked for" in error.message


@pytest.mark.parametrize("task_id", [None, 7, "", ".", "..", "a\nb", "x" * 513])
def test_a_create_without_a_usable_id_is_refused(task_id: Any) -> None:
    with pytest.raises(ProviderError, match="names no usable task id") as caught:
        read_create(ACME, json_response({"id": task_id, "status": "waiting"}), "")
    assert caught.value.kind is ErrorKind.PROTOCOL


CONTRADICTIONS = [
    '{"id": "job-1", "status": "busy", "status": "done"}',
    '{"id": "job-2", "id": "job-1", "status": "done"}',
    '{"id": "job-1", "status": "done", "metadata": {"url": "https://a.example/1", "url": "https://b.example/1"}}',
    '{"id": "job-1", "status": "done", "list": [{"x": 1, "x": 2}]}',
    '{"id": "job-1", "status": "busy", "st\\u0061tus": "done"}',
]


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_a_final_answer_that_contradicts_itself_is_refused(text: str) -> None:
    assert "one field two different values" in refusal(raw(text)).message


def test_a_final_answer_may_repeat_itself() -> None:
    seen = read_retrieve(ACME, raw('{"id": "job-1", "status": "done", "status": "done"}'), "", "job-1")
    assert seen.status is Status.SUCCEEDED


def test_an_answer_that_ends_nothing_may_contradict_itself() -> None:
    seen = read_retrieve(ACME, raw('{"id": "job-1", "status": "done", "status": "busy"}'), "", "job-1")
    assert seen.status is Status.RUNNING


def test_a_final_answer_that_only_one_parser_reads_is_refused() -> None:
    done = Scripted(lambda: Observation(provider_status="done"))
    with pytest.raises(ProviderError, match="cannot be read a second time"):
        read_retrieve(done, HttpResponse(status=200, body=b"done"), "", "job-1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id": "job-1", "status": '])
def test_a_body_that_is_no_object_says_how_it_starts(body: bytes) -> None:
    error = refusal(HttpResponse(status=200, headers=(("Content-Type", "text/html"),), body=body))
    assert (error.kind, error.status, error.retryable) == (ErrorKind.PROTOCOL, 200, True)
    assert "(HTTP 200, text/html) was not believed" in error.message
    assert f"It starts: {body.decode()!r}" in error.message


# Errors.


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (404, {}),
        (410, {}),
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
        (400, {"error": {"code": "task_not_exist", "message": "", "type": "x"}}),
        (400, {"error": {"message": "task_not_exist"}}),
    ],
)
def test_an_unknown_id_is_an_observation(status: int, document: Any) -> None:
    seen = read_retrieve(ACME, json_response(document, status), "", "job-1")
    assert seen == Observation(task_id="job-1", not_found=True)


@pytest.mark.parametrize("status", [401, 403, 500, 502, 503])
def test_not_found_under_a_status_of_trouble_is_trouble_and_no_observation(status: int) -> None:
    answer = json_response({"code": "task_not_exist", "message": "task_not_exist", "data": None}, status)
    with pytest.raises(ProviderError):
        read_retrieve(Acme(), answer, "", "job-1")


def test_a_web_servers_own_404_page_is_no_word_about_the_task() -> None:
    page = HttpResponse(status=404, headers=(("Content-Type", "text/html"),), body=b"<html>404</html>")
    assert refusal(page).kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize("status", [301, 400, 401, 403, 408, 409, 425, 429, 500, 502, 503, 504])
def test_any_other_error_is_raised(status: int) -> None:
    error = refusal(json_response({}, status))
    assert (error.kind, error.status) == (kind_of_status(status), status)
    assert error.kind is not ErrorKind.NOT_FOUND


@pytest.mark.parametrize("status", [302, 400, 404, 429, 503])
def test_an_error_answer_to_a_create_is_raised_even_where_it_names_an_id(status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        read_create(ACME, json_response({"id": "job-1", "status": "waiting"}, status), "")
    assert caught.value.status == status


def test_an_error_tells_all_that_the_answer_says() -> None:
    document = {"error": {"code": "invalid_size", "message": "No such size."}}
    error = read_error(ACME, json_response(document, 400, (("X-Request-Id", "r-1"),)))
    assert (error.kind, error.code, error.request_id) == (ErrorKind.INVALID_REQUEST, "invalid_size", "r-1")
    assert (error.fault, error.retryable, error.billed) == (Fault.CALLER, False, Billed.NO)
    assert str(error).startswith("Acme answered HTTP 400 [invalid_size]: No such size. Change the request")


def test_an_error_without_a_message_shows_how_its_answer_starts() -> None:
    error = read_error(ACME, HttpResponse(status=502, body=b"Bad\nGateway"))
    assert "Acme answered HTTP 502 (no content type): 'Bad\\nGateway'" in str(error)


def test_nothing_of_a_providers_text_can_play_tricks_on_a_terminal() -> None:
    message = "stop\x1b[2J\r\nOK: \u202edone"
    error = read_error(ACME, json_response({"code": "\x07", "message": message}, 400, (("X", "y"),)))
    assert str(error).isprintable()


LEAKS = [
    "see https://cdn.example/1.mp4?signature=SECRET now",
    "see HTTPS://CDN.EXAMPLE/?X=SECRET now",
    "see https:\\/\\/cdn.example\\/?x=SECRET now",
    "key sk-SECRET",
    "key SK-SECRET",
    "sent Authorization: Bearer SECRET",
    "sent bearer SECRET",
    "image data:image/png;base64,SECRET",
    "token " + "SECRET" * 8,
]


@pytest.mark.parametrize("said", LEAKS)
@pytest.mark.parametrize("place", ["message", "code"])
def test_neither_links_nor_keys_reach_a_message(said: str, place: str) -> None:
    assert "SECRET" not in str(read_error(ACME, json_response({place: said}, 400)))
    assert "SECRET" not in redact(said)
    assert "…" in redact(said)


@pytest.mark.parametrize("said", LEAKS)
def test_neither_links_nor_keys_reach_an_excerpt(said: str) -> None:
    for text in (said, f"<p>{said}</p>", said * 20):
        assert "SECRET" not in excerpt(raw(text))
        assert "SECRET" not in str(refusal(raw(text)))


def test_a_key_that_is_cut_in_two_does_not_move_up_into_the_excerpt() -> None:
    link = "https://cdn.example/" + "x" * 780
    assert "SECRET" not in excerpt(raw(f"{link} {'SECRET' * 8}"))


@pytest.mark.parametrize("window", EXCERPT_WINDOWS[:-1])
def test_no_window_of_an_excerpt_shows_half_a_key(window: int) -> None:
    for start in range(window - 50, window + 2):
        link = "https://cdn.example/" + "x" * (start - 21)
        assert "SECRET" not in excerpt(raw(f"{link} {'SECRET' * 8}"))
        words = "no " * 66
        assert "SECRET" not in excerpt(raw(f"{words}{link[: -len(words)]} {'SECRET' * 8}"))


def test_an_excerpt_is_short_whatever_arrives() -> None:
    assert len(excerpt(raw("no " * 100_000))) <= 210


# Callbacks.


def test_a_callback_is_marked_as_verified_or_not() -> None:
    def said() -> list[Observation]:
        return [Observation(provider_status="done", verified=True, source=Source.POLL)]

    [hint] = read_callback(Scripted(said), (), b"", verified=False)
    assert (hint.source, hint.verified, hint.status) == (Source.CALLBACK, False, Status.SUCCEEDED)
    [proof] = read_callback(Scripted(said), (), b"", verified=True)
    assert proof.verified


def test_a_provider_without_callbacks_says_so() -> None:
    with pytest.raises(NotSupported, match="Acme documents no callbacks"):
        read_callback(ACME, (), b'{"status": "done"}', verified=True)


# Plugins that stumble, or claim what is not theirs to say.

READS: dict[str, Callable[[Provider], Any]] = {
    "create": lambda provider: read_create(provider, OK, ""),
    "retrieve": lambda provider: read_retrieve(provider, OK, "", "job-1"),
    "callback": lambda provider: read_callback(provider, (), b"", verified=True),
    "error": lambda provider: read_error(provider, TROUBLE),
}


def stumble() -> Any:
    raise KeyError("https://cdn.example/?signature=SECRET")


JUNK: dict[str, Callable[[], Any]] = {
    "an exception": stumble,
    "nothing": lambda: None,
    "a text": lambda: "job-1",
    "a list of texts": lambda: ["job-1"],
    "an id that is a number": lambda: Observation(task_id=7, provider_status="busy"),  # type: ignore[arg-type]
    "a word that is a number": lambda: Observation(task_id="job-1", provider_status=7),  # type: ignore[arg-type]
    "links that are texts": lambda: Observation(task_id="job-1", videos=("https://x",)),  # type: ignore[arg-type]
    "a moment without a zone": lambda: Observation(task_id="job-1", created_at=datetime(2026, 1, 1)),  # noqa: DTZ001
    "a kind that does not exist": lambda: ErrorReading(kind="odd"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("call", READS)
def test_a_plugin_that_stumbles_is_a_plugin_error(call: str, junk: str) -> None:
    def script() -> Any:
        said = JUNK[junk]()
        return [said] if call == "callback" and isinstance(said, Observation) else said

    with pytest.raises(PluginError, match="The plugin of 'acme' failed to read an answer") as caught:
        READS[call](Scripted(script))
    assert caught.value.fault is Fault.PLUGIN
    assert "SECRET" not in str(caught.value)


def test_an_error_of_ours_that_a_plugin_raises_is_passed_on() -> None:
    ours = ProviderError("busy", kind=ErrorKind.UNAVAILABLE)

    def script() -> Any:
        raise ours

    with pytest.raises(ProviderError) as caught:
        read_retrieve(Scripted(script), OK, "", "job-1")
    assert caught.value is ours


def test_a_plugin_cannot_give_a_word_its_meaning() -> None:
    liar = Scripted(lambda: Observation(provider_status="meditating", status=Status.SUCCEEDED))
    assert read_retrieve(liar, OK, "", "job-1").status is None


@pytest.mark.parametrize(("said", "kept"), [(150, 100), (-3, 0), (40, 40), (None, None)])
def test_a_plugin_cannot_leave_the_bounds_of_progress(said: int | None, kept: int | None) -> None:
    wild = Scripted(lambda: Observation(provider_status="busy", progress=said))
    assert read_retrieve(wild, OK, "", "job-1").progress == kept


def test_what_a_plugin_reads_well_stays_as_it_is() -> None:
    said = Observation(
        task_id="job-1",
        provider_status="done",
        progress=100,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        videos=(Video(url=Secret("https://cdn.example/1.mp4")),),
    )
    seen = read_retrieve(Scripted(lambda: said), OK, "", "job-1")
    assert seen == replace(said, status=Status.SUCCEEDED)


# Retry-After.

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("3", 3.0),
        (" 120 ", 120.0),
        ("999999999", 999999999.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 13:00:30 +0100", 30.0),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("١٢", None),
        ("9" * 5000, None),
        ("soon", None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
        ("Thu, 01 Jan 2026 12:00:30 -0000", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(HttpResponse(status=429, headers=(("retry-after", value),)), NOW) == seconds


def test_an_answer_need_not_say_when_to_come_back() -> None:
    assert retry_after(HttpResponse(status=429), NOW) is None


@given(value=st.text(max_size=40))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after(HttpResponse(status=429, headers=(("Retry-After", value),)), NOW)
    assert seconds is None or seconds >= 0


@given(ahead=st.integers(0, 10**6))
def test_a_date_and_its_seconds_are_the_same_wait(ahead: int) -> None:
    date = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    by_date, by_number = (
        retry_after(HttpResponse(status=503, headers=(("Retry-After", value),)), NOW)
        for value in (date, str(ahead))
    )
    assert by_date == by_number == ahead


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 2026 12:00:10 GMT", 20.0),
        # Our own clock is a day ahead, or an hour behind.
        ("Wed, 31 Dec 2025 12:00:00 GMT", 86430.0),
        ("Thu, 01 Jan 2026 13:00:00 GMT", 0.0),
        # Where the answer does not tell its time, ours has to do.
        ("", 30.0),
        ("today", 30.0),
        ("Thu, 01 Jan 2026 12:00:10 -0000", 30.0),
    ],
)
def test_a_date_counts_from_the_provider_s_own_time(date: str, seconds: float) -> None:
    headers = (("Retry-After", "Thu, 01 Jan 2026 12:00:30 GMT"), ("Date", date))
    assert retry_after(HttpResponse(status=429, headers=headers), NOW) == seconds


def test_a_create_that_names_two_ids_is_not_believed() -> None:
    body = b'{"id": "job-1", "id": "job-2", "status": "waiting"}'
    with pytest.raises(ProviderError):
        read_create(Acme(), HttpResponse(status=200, body=body), "")


def test_the_reason_of_a_failure_is_kept_without_links_and_keys() -> None:
    said = Failure(message="see https://cdn.example/a?sig=1 and Bearer abc", code="sk-abc")
    told = Scripted(lambda: Observation(provider_status="failed", failure=said))
    assert read_retrieve(told, OK, "", "job-1").failure == Failure(message="see … and …", code="…")


def test_a_text_that_is_shown_is_no_longer_than_a_name() -> None:
    long = "a" * 2_000_000
    failure = Failure(kind=FailureKind.UNKNOWN, code=long, message=long)
    said = Observation(task_id="job-1", provider_status=long, provider_progress=long, model=long)
    seen = read_retrieve(Scripted(lambda: said), json_response({}), "", "job-1")
    told = Scripted(lambda: Observation(provider_status="failed", failure=failure))
    failed = read_retrieve(told, OK, "", "job-1").failure
    assert failed is not None
    shown = [seen.provider_status, seen.provider_progress, seen.model, failed.code, failed.message]
    assert all(text and len(text) <= MAX_TEXT for text in shown)


def test_a_reason_without_a_bad_end_is_none() -> None:
    said = Failure(message="all is well")
    told = Scripted(lambda: Observation(provider_status="busy", failure=said))
    assert read_retrieve(told, OK, "", "job-1").failure is None


SHOWN = ("provider_status", "provider_progress", "model")
"""Texts of an observation that are printed and logged."""

# The pattern ignores case, and to it the long s and the Kelvin sign are an s and a k as well.
SLY_LEAKS = [
    *LEAKS[:-1],
    "\u017f\u212a-SECRET",
    "http\u017f://a.example/SECRET",
    "BEARER\u2003SECRET",
    "dAta:SECRET",
]


@pytest.mark.parametrize("said", SLY_LEAKS, ids=ascii)
@pytest.mark.parametrize("place", SHOWN)
def test_neither_links_nor_keys_stay_where_a_word_a_number_or_a_name_belongs(said: str, place: str) -> None:
    told = Scripted(lambda: replace(Observation(), **{place: said}))
    seen = read_retrieve(told, OK, "", "job-1")
    assert "SECRET" not in getattr(seen, place)
    assert "…" in getattr(seen, place)


@given(said=st.text("hHtTpPsS\u017f:/dDaAbBeErRkK\u212a- \u2003\n.x", max_size=30))
def test_texts_without_links_and_keys_stay_as_they_are_and_others_do_not(said: str) -> None:
    seen = read_retrieve(Scripted(lambda: Observation(model=said)), OK, "", "job-1")
    # Nothing of it is long enough to be a key without a prefix, which only an excerpt may not show.
    assert seen.model == redact(said)


def test_a_reading_of_another_kind_is_refused_whatever_it_holds() -> None:
    class Row(Struct):
        task_id: str = "job-1"
        provider_status: str = "busy"
        progress: int = 40

    with pytest.raises(PluginError):
        read_retrieve(Scripted(Row), OK, "", "job-1")


def test_a_reading_is_brought_into_form() -> None:
    at = "2026-01-01T00:00:00Z"
    loose = Observation(created_at=at, videos=[Video(url=Secret("https://cdn.example/1.mp4"))])  # type: ignore[arg-type]
    seen = read_retrieve(Scripted(lambda: loose), OK, "", "job-1")
    assert seen.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert seen.videos == (Video(url=Secret("https://cdn.example/1.mp4")),)


class Nested(Acme):
    dialects = {"": Dialect(places=Places(words=("status", "data.status", "data.data.status")))}


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (("busy", "done", None), "busy", Status.RUNNING),
        (("reviewing", "busy", None), "busy", Status.RUNNING),
        (("reviewing", "failed", None), "reviewing", None),
        (("reviewing", "done", "done"), "reviewing", None),
        (("reviewing", "done", "busy"), "busy", Status.RUNNING),
        ((None, "done", None), "done", Status.SUCCEEDED),
        (("", None, "failed"), "failed", Status.FAILED),
        ((None, "reviewing", "done"), "reviewing", None),
    ],
)
def test_no_inner_word_ends_a_task_whose_own_word_nobody_knows(
    words: tuple[str | None, ...], said: str, status: Status | None
) -> None:
    outer, inner, innermost = words
    document = {"id": "j1", "status": outer, "data": {"status": inner, "data": {"status": innermost}}}
    seen = read_retrieve(Nested(), json_response(document), "", "j1")
    assert (seen.provider_status, seen.status) == (said, status)
