"""A recording holds what its lists name, and nothing else of what was sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reelway.model.http import FilePart, HttpRequest, HttpResponse, Multipart, json_request, json_response
from reelway.provider.registry import Registry
from reelway.recording.redaction import DEEPEST, PAGE, Redactor
from reelway.recording.vocabulary import FIELDS, FIGURE, vocabulary_of
from reelway.testing.contract.wishes import examples, plain
from reelway.testing.payloads import json_values
from tests.acme import ACME

CANARY: Final = "sk-Canary_7f3a9c2e51d84b06"

VOCABULARY = vocabulary_of(ACME)


def redactor() -> Redactor:
    return Redactor(VOCABULARY)


# Everything that could be private, in every place, in every dress.

DRESSES: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda canary: canary,
    "base64": lambda canary: base64.b64encode(canary.encode()).decode(),
    "percent-encoded": lambda canary: "".join(f"%{byte:02X}" for byte in canary.encode()),
    "in a link": lambda canary: f"https://cdn.example/{canary}/a.mp4?Signature={canary}#{canary}",
    "in a data link": lambda canary: f"data:image/png;base64,{base64.b64encode(canary.encode()).decode()}",
    "in JSON in a text": lambda canary: json.dumps({"url": f"https://h/?k={canary}", canary: [canary]}),
    "upper case": str.upper,
}

Exchange = tuple[HttpRequest, HttpResponse]
GET: Final = HttpRequest(method="GET", path="v1/videos/task_9")
OK: Final = json_response({"id": "task_9", "status": "queued"})


def got(response: HttpResponse) -> Exchange:
    return GET, response


def posted(document: Any) -> Exchange:
    return json_request("POST", "v1/videos", document), OK


PLACES: Final[dict[str, Callable[[str], Exchange]]] = {
    "a header of the request": lambda it: (
        HttpRequest(method="GET", path="v1", headers=(("Authorization", f"Bearer {it}"), ("X-Api-Key", it))),
        OK,
    ),
    "the query": lambda it: (HttpRequest(method="GET", path="v1", query=((it, "1"), ("id", it), ("size", it))), OK),
    "the path": lambda it: (HttpRequest(method="GET", path=f"v1/videos/{quote(it, safe='')}/content"), OK),
    "a field of a form": lambda it: (
        HttpRequest(method="POST", path="v1/videos", body=Multipart(fields=(("prompt", it), (it, "x")))),
        OK,
    ),
    "a file of a form": lambda it: (
        HttpRequest(
            method="POST",
            path="v1/videos",
            body=Multipart(
                files=(FilePart(field=it, filename=it, content_type=f"image/{it}", content=it.encode()),)
            ),
        ),
        OK,
    ),
    "the prompt": lambda it: posted({"prompt": it, "model": it}),
    "a status word": lambda it: got(json_response({"status": it, "object": it, "error": {"code": it, "type": it}})),
    "a figure": lambda it: got(json_response({"created_at": it, "size": it, "progress": it, "seconds": it})),
    "an id": lambda it: got(json_response({"id": it, "data": {"task_id": it}})),
    "a link": lambda it: got(json_response({"url": it, "output": [it], "metadata": {"url": it}})),
    "an error's text": lambda it: got(
        json_response({"error": {"message": it}, "message": f"no such key: {it}"}, 401)
    ),
    "an unknown field": lambda it: got(json_response({"whatever": it, it: {"inner": [it, {it: it}]}})),
    "a header of the response": lambda it: got(
        HttpResponse(
            status=302, headers=(("Set-Cookie", it), ("Location", it), ("Retry-After", it), ("Content-Type", it))
        )
    ),
    "a page": lambda it: got(HttpResponse(status=502, body=f"<html>{it}</html>".encode())),
    "no JSON at all": lambda it: got(HttpResponse(status=200, body=it.encode())),
}


def traces(canary: str) -> set[str]:
    """What a canary looks like where it was taken along: in any case, in base64 at any offset, in hexadecimal."""
    inner = [base64.b64encode(b"x" * shift + canary.encode())[4:-4].decode().lower() for shift in range(3)]
    return {canary.lower(), canary.lower()[3:], canary.encode().hex(), *inner}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("place", PLACES)
def test_no_canary_survives(place: str, dress: str) -> None:
    request, response = PLACES[place](DRESSES[dress](CANARY))
    taken = redactor()
    kept = json.dumps([taken.request(request), taken.response(response)], ensure_ascii=False).lower()
    assert not [trace for trace in traces(CANARY) if trace in kept.replace("%", "")]


def test_there_are_enough_places_and_dresses() -> None:
    assert len(PLACES) * len(DRESSES) >= 60


@given(value=json_values)
def test_any_answer_can_be_recorded(value: Any) -> None:
    kept = redactor().response(HttpResponse(status=200, body=json.dumps(value).encode()))
    assert json.loads(json.dumps(kept)) == kept


@given(text=st.text(min_size=20))
def test_no_long_text_stays_anywhere_but_a_known_word(text: str) -> None:
    assume(not VOCABULARY.keeps_word(text) and not FIGURE.fullmatch(text))
    document = dict.fromkeys(FIELDS, text) | {"unknown": text}
    kept = redactor().response(json_response(document))
    assert text not in json.dumps(kept, ensure_ascii=False)


# What stays, because it is what a recording is for.


def test_what_the_lists_name_stays_as_it_was_sent() -> None:
    document = {
        "object": "video",
        "status": "QUEUED ",
        "progress": "40%",
        "created_at": 1767225600123,
        "size": "1280x720",
        "seconds": "8",
        "data": {"expires_at": "2026-01-01T00:00:00Z", "success": True, "error": None, "metadata": {}},
    }
    assert redactor().response(json_response(document, 200, (("Retry-After", "3"), ("Date", "x")))) == {
        "status": 200,
        "headers": [["content-type", "application/json"], ["retry-after", "3"]],
        "body": document,
    }


def test_ids_and_links_are_replaced_the_same_by_the_same() -> None:
    taken = redactor()
    made = taken.response(json_response({"id": "task_9", "data": {"task_id": "task_8"}}))
    asked = taken.request(GET)
    told = taken.response(json_response({"id": "task_9", "url": "https://h/a.mp4?s=1", "video_url": "https://h/b"}))
    assert made["body"] == {"id": "task-1", "data": {"task_id": "task-2"}}
    assert asked["path"] == "v1/videos/task-1"
    assert told["body"] == {
        "id": "task-1",
        "url": "https://files.example/file-1.mp4",
        "video_url": "https://files.example/file-2",
    }


def test_a_form_keeps_its_known_names_and_the_types_of_its_files() -> None:
    part = FilePart(field="input_reference", filename="me.png", content_type="image/png", content=b"\x89PNG")
    body = Multipart(fields=(("prompt", "A cat"), ("seconds", "8")), files=(part,))
    assert redactor().request(HttpRequest(method="POST", path="v1/videos", body=body))["body"] == {
        "fields": [["prompt", "text-1"], ["seconds", "8"]],
        "files": [{"field": "input_reference", "type": "image/png"}],
    }


def test_a_page_stays_a_page_and_nothing_stays_nothing() -> None:
    taken = redactor()
    assert taken.response(HttpResponse(status=502, body=b"<html>all of it</html>"))["body"] == PAGE
    assert taken.response(HttpResponse(status=204))["body"] is None


def test_numbers_that_are_no_figures_are_replaced() -> None:
    document = {"user_id": 7, "quota": 1.5, "progress": 50, "created_at": 10**16, "code": 404}
    assert list(redactor().response(json_response(document))["body"].values()) == [0, 0, 50, 0, 404]


def test_what_is_nested_without_end_is_cut() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = {"data": deep}
    kept = json.dumps(redactor().response(json_response(deep))["body"])
    assert kept.count("data") == DEEPEST
    assert "null" in kept


@pytest.mark.parametrize("provider", Registry.installed({}).providers, ids=lambda provider: provider.info.name)
def test_every_word_and_model_of_a_provider_stays(provider: Any) -> None:
    known = vocabulary_of(provider)
    assert all(known.keeps_word(word) for word in provider.info.words)
    assert all(known.keeps_word(spec.name) for spec in provider.models.models)
    assert not known.keeps_word("sk-0123456789")


@pytest.mark.parametrize("provider", Registry.installed({}).providers, ids=lambda provider: provider.info.name)
def test_the_path_of_a_create_stays(provider: Any) -> None:
    for spec in examples(provider.models)[:-1]:
        path = provider.encode_create(plain(spec), spec).path
        sample = Redactor(vocabulary_of(provider)).request(HttpRequest(method="POST", path=path))
        assert sample["path"] == path
