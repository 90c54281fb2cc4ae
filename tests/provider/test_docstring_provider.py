"""The provider in the docstring of `Provider` is complete: it runs, follows a task and refuses what it should."""

import inspect
import json
import re
from typing import Any

import pytest

from reelway.errors import ErrorKind, InvalidRequest, NotSupported, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Observation, Status
from reelway.model.request import VideoRequest
from reelway.provider.interface import Provider
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_create, read_error, read_retrieve
from reelway.provider.registry import Registry
from reelway.testing.clock import START


@pytest.fixture
def acme() -> Provider:
    [source] = re.findall(r"```python\n(.*?)```", inspect.getdoc(Provider) or "", re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "acme"}
    exec(compile(source, "the docstring of Provider", "exec"), namespace)  # noqa: S102 - our own manual
    provider = namespace["Acme"]()
    assert isinstance(provider, Provider)
    return provider


def test_it_can_be_registered(acme: Provider) -> None:
    assert Registry([acme]).get("acme") is acme


def test_it_writes_a_create(acme: Provider) -> None:
    checked = check(VideoRequest(model="acme-1", prompt="a cat", duration=8), acme.models, OnUnsupported.ERROR)
    request = acme.encode_create(checked.request, checked.spec)
    assert (request.method, request.path) == ("POST", "v2/jobs")
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {"model": "acme-1", "text": "a cat"}


def test_it_refuses_what_its_model_does_not_do(acme: Provider) -> None:
    with pytest.raises(InvalidRequest, match="allowed: 4 seconds, 8 seconds"):
        check(VideoRequest(model="acme-1", prompt="a cat", duration=5), acme.models, OnUnsupported.ERROR)


def test_it_follows_a_task(acme: Provider) -> None:
    created = read_create(acme, json_response({"job": "j/1", "state": "waiting"}), "")
    assert (created.task_id, created.status) == ("j/1", Status.QUEUED)
    assert acme.encode_retrieve("j/1", "").path == "v2/jobs/j%2F1"
    answer = json_response({"job": "j/1", "state": "Busy", "done": "40%"})
    assert read_retrieve(acme, answer, "", "j/1").progress == 40
    assert read_retrieve(acme, json_response({"state": "ok"}), "", "j/1").status is Status.SUCCEEDED


def test_it_makes_no_ending_of_an_unknown_word(acme: Provider) -> None:
    assert read_retrieve(acme, json_response({"state": "great"}), "", "j/1").status is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ErrorKind.UNSUPPORTED),
        (400, ErrorKind.INVALID_REQUEST),
        (401, ErrorKind.AUTH),
        (402, ErrorKind.QUOTA),
        (408, ErrorKind.UNAVAILABLE),
        (409, ErrorKind.UNAVAILABLE),
        (418, ErrorKind.INVALID_REQUEST),
        (425, ErrorKind.UNAVAILABLE),
        (429, ErrorKind.RATE_LIMITED),
        (500, ErrorKind.UNAVAILABLE),
        (501, ErrorKind.UNSUPPORTED),
        (502, ErrorKind.UPSTREAM),
        (599, ErrorKind.UNAVAILABLE),
        (100, ErrorKind.PROTOCOL),
    ],
)
def test_its_errors_are_told_by_their_status(acme: Provider, status: int, kind: ErrorKind) -> None:
    assert read_error(acme, HttpResponse(status=status)).kind is kind


def test_it_knows_when_a_task_is_unknown(acme: Provider) -> None:
    seen = read_retrieve(acme, HttpResponse(status=404), "", "j/1")
    assert seen == Observation(task_id="j/1", not_found=True)


def test_it_refuses_what_is_no_answer(acme: Provider) -> None:
    with pytest.raises(ProviderError, match="was not believed"):
        read_create(acme, HttpResponse(status=200, body=b"<html>"), "")


def test_what_it_does_not_offer_is_refused_with_its_docs_page(acme: Provider) -> None:
    calls = (
        lambda: acme.encode_content("j/1", ""),
        lambda: acme.encode_remix("j/1", "", "again", None),
        lambda: acme.encode_cancel("j/1", ""),
        lambda: acme.read_callback((), b"{}"),
    )
    for call in calls:
        with pytest.raises(NotSupported, match=r"Acme Video documents no .* See https://docs\.acme\.example\."):
            call()


def test_it_trusts_no_signature_and_has_no_simulator(acme: Provider) -> None:
    assert not acme.verify_callback((), b"{}", "secret", START)
    assert acme.simulator() is None
    assert acme.route("acme-1") == ""
