"""What is sent to OpenAI, and what its answers and those of the gateways mean beyond the samples."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ErrorKind, InvalidRequest, ProviderError
from reelway.model.http import FilePart, HttpResponse, Multipart, json_response
from reelway.model.observation import FailureKind, Observation, Status
from reelway.model.request import Media, VideoRequest
from reelway.provider.interface import Capability
from reelway.provider.models import CheckedRequest, OnUnsupported, check
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway_videos_api import OpenAIVideos

PROVIDER = OpenAIVideos()
SAMPLES = Path(__file__).parent / "samples"
PICTURE = Media(content=b"\x89PNG\r\n\x1a\n", filename="boat.png")
URL = "https://cdn.example/a%2Fb.mp4?sig=1"
REASON = "The upstream had no time for it."


def checked(
    model: str = "sora-2", on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any
) -> CheckedRequest:
    request = VideoRequest(**{"model": model, "prompt": "A boat"} | fields)
    return check(request, PROVIDER.models, on_unsupported)


def form(request: CheckedRequest) -> Multipart:
    written = PROVIDER.encode_create(request.request, request.spec)
    assert (written.method, written.path) == ("POST", "v1/videos")
    assert isinstance(written.body, Multipart)
    return written.body


def poll(document: dict[str, Any]) -> Observation:
    return read_retrieve(PROVIDER, json_response(document), "", "task_1")


# --- requests ---


def test_a_create_is_a_form_as_openai_documents_it() -> None:
    body = form(checked(duration=8, size="1280x720", first_frame=PICTURE))
    assert dict(body.fields) == {"model": "sora-2", "prompt": "A boat", "seconds": "8", "size": "1280x720"}
    content = PICTURE.content or b""
    expected = FilePart(field="input_reference", filename="boat.png", content_type="image/png", content=content)
    assert body.files == (expected,)


def test_what_is_left_out_openai_decides() -> None:
    assert dict(form(checked()).fields) == {"model": "sora-2", "prompt": "A boat"}


@pytest.mark.parametrize(
    ("model", "fields", "size"),
    [
        ("sora-2", {"aspect_ratio": "16:9"}, "1280x720"),
        ("sora-2", {"resolution": "720p"}, "720x1280"),
        ("sora-2-pro", {"resolution": "1080p", "aspect_ratio": "16:9"}, "1920x1080"),
        ("sora-2-pro-2025-10-06", {"resolution": "1080p"}, "1080x1920"),
        ("sora-2-pro", {"size": "1792x1024"}, "1792x1024"),
        ("any-model", {"resolution": "1080p", "aspect_ratio": "9:16"}, "1080x1920"),
        ("any-model", {"size": "640x640"}, "640x640"),
    ],
)
def test_a_shape_is_said_in_pixels(model: str, fields: dict[str, Any], size: str) -> None:
    assert dict(form(checked(model, **fields)).fields)["size"] == size


@pytest.mark.parametrize(
    ("model", "fields", "reason"),
    [
        ("sora-2", {"duration": 5}, "sora-2 does not make 5 seconds"),
        ("sora-2", {"size": "1792x1024"}, "size: sora-2 does not offer '1792x1024'"),
        ("sora-2-2025-12-08", {"resolution": "1080p"}, "does not offer '1080p'"),
        ("sora-2-pro", {"size": "640x640"}, "size: sora-2-pro does not offer '640x640'"),
        ("sora-2", {"seed": 7}, "seed: sora-2 does not support this field"),
        ("sora-2", {"last_frame": PICTURE}, "last_frame: sora-2 does not support this field"),
        ("sora-2", {"prompt": " "}, "prompt: sora-2 needs a prompt"),
        ("any-model", {"aspect_ratio": "16:9"}, "give exact pixels"),
        ("any-model", {"resolution": "480p", "aspect_ratio": "16:9"}, "give exact pixels"),
    ],
)
def test_what_would_be_refused_or_lost_costs_nothing(model: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(model, **fields)
    assert any(reason in str(problem) for problem in caught.value.problems)


def test_a_model_that_openai_does_not_name_passes_with_a_warning() -> None:
    request = checked("kling-v1", duration=5)
    assert dict(form(request).fields) == {"model": "kling-v1", "prompt": "A boat", "seconds": "5"}
    assert request.warnings == ("model: 'kling-v1' is not a documented model; it is passed on unchecked.",)


def test_the_other_calls_are_spelt_as_openai_documents_them() -> None:
    assert PROVIDER.encode_retrieve("a/b", "").path == "v1/videos/a%2Fb"
    assert PROVIDER.encode_content("video_1", "").path == "v1/videos/video_1/content"
    assert PROVIDER.encode_content("video_1", "", "thumbnail").query == (("variant", "thumbnail"),)
    remix = PROVIDER.encode_remix("video_1", "", "In teal", None)
    assert (remix.method, remix.path) == ("POST", "v1/videos/video_1/remix")
    assert json.loads(remix.body if isinstance(remix.body, bytes) else b"") == {"prompt": "In teal"}


def test_there_is_no_cancel_for_a_delete_stops_nothing() -> None:
    assert Capability.CANCEL not in PROVIDER.info.capabilities


# --- answers ---

WORDS = {
    Status.QUEUED: ("queued", "SUBMITTED", "NOT_START", "pending", "Queued"),
    Status.RUNNING: ("in_progress", "IN_PROGRESS", "in-progress", "processing"),
    Status.SUCCEEDED: ("completed", "succeeded", "SUCCESS"),
    Status.FAILED: ("failed", "FAILURE"),
    Status.CANCELLED: ("cancelled",),
    None: ("unknown", "done", "error", "expired", "ready", "complete", "string"),
}


@pytest.mark.parametrize(("word", "status"), [(word, status) for status, words in WORDS.items() for word in words])
def test_a_word_means_one_thing(word: str, status: Status | None) -> None:
    observation = poll({"id": "task_1", "status": word})
    assert (observation.status, observation.provider_status) == (status, word)


def test_a_list_is_not_taken_for_an_answer_to_a_create() -> None:
    answer = HttpResponse(status=200, body=(SAMPLES / "openai-list.json").read_bytes())
    with pytest.raises(ProviderError, match="no usable task id") as caught:
        read_create(PROVIDER, answer, "")
    assert caught.value.kind is ErrorKind.PROTOCOL


LINKS: list[dict[str, Any]] = [
    {"status": "completed", "video_url": URL},
    {"status": "completed", "metadata": {"url": URL}},
    {"status": "succeeded", "url": URL},
    {"status": "SUCCESS", "result_url": URL},
    {"code": "success", "data": {"status": "SUCCESS", "result_url": URL, "fail_reason": ""}},
    {"code": "success", "data": {"status": "SUCCESS", "fail_reason": URL}},
    {"code": "success", "data": {"status": "succeeded", "url": URL, "metadata": None, "error": None}},
]


@pytest.mark.parametrize("document", LINKS, ids=json.dumps)
def test_the_link_is_found_where_gateways_put_it(document: dict[str, Any]) -> None:
    observation = poll(document)
    assert observation.status is Status.SUCCEEDED
    assert [video.url.reveal() for video in observation.videos] == [URL]


@pytest.mark.parametrize(
    "document",
    [
        {"status": "failed", "error": {"code": None, "message": REASON}},
        {"status": "failed", "error": REASON},
        {"status": "failed", "metadata": {"url": REASON}},
        {"status": "FAILURE", "fail_reason": REASON, "progress": "100%"},
        {"code": "success", "data": {"status": "FAILURE", "fail_reason": REASON}},
    ],
    ids=json.dumps,
)
def test_the_reason_of_a_bad_end_is_found_where_gateways_put_it(document: dict[str, Any]) -> None:
    observation = poll(document)
    assert observation.failure is not None
    assert (observation.failure.kind, observation.failure.message) == (FailureKind.UNKNOWN, REASON)
    assert observation.videos == ()


def test_a_bare_record_is_read_like_a_wrapped_one() -> None:
    record = {
        "id": 6,
        "task_id": "task_1",
        "status": "IN_PROGRESS",
        "progress": "50%",
        "submit_time": 1776681149,
        "finish_time": 0,
        "properties": {"origin_model_name": "kling-v1"},
    }
    bare, wrapped = poll(record), poll({"code": "success", "message": "", "data": record})
    assert bare == wrapped
    assert (bare.task_id, bare.progress, bare.model, bare.completed_at) == ("task_1", 50, "kling-v1", None)


@pytest.mark.parametrize(
    "document",
    [
        {"status": "completed", "completed_at": 1776681149},
        {"status": "SUCCESS", "finish_time": 1776681149},
        {"code": "success", "data": {"status": "SUCCESS", "finish_time": 1776681149}},
    ],
    ids=json.dumps,
)
def test_the_time_of_the_end_is_found_where_gateways_put_it(document: dict[str, Any]) -> None:
    assert poll(document).completed_at == datetime.fromtimestamp(1776681149, UTC)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_code_of_a_bad_end_tells_its_kind(wrapped: bool) -> None:
    record = {"status": "failed", "error": {"code": "moderation_blocked", "message": REASON}}
    failure = poll({"code": "success", "data": record} if wrapped else record).failure
    assert failure is not None
    assert (failure.kind, failure.code) == (FailureKind.MODERATION, "moderation_blocked")


def test_a_row_number_is_no_task() -> None:
    with pytest.raises(ProviderError, match="no usable task id"):
        read_create(PROVIDER, json_response({"code": "success", "data": {"id": 6, "status": "SUBMITTED"}}), "")


def called_back(document: dict[str, Any]) -> Observation:
    [observation] = read_callback(PROVIDER, (), json.dumps(document).encode(), verified=False)
    return observation


def test_the_event_of_a_failure_is_read() -> None:
    event = {"id": "evt_1", "object": "event", "created_at": 1, "type": "video.failed", "data": {"id": "video_1"}}
    observation = called_back(event)
    assert (observation.task_id, observation.status) == ("video_1", Status.FAILED)
    assert observation.created_at is None


@pytest.mark.parametrize(
    "document",
    [
        {"id": "evt_1", "status": "processing", "data": {"id": "video_1"}},
        {"id": "evt_1", "data": {"task_id": "video_1", "status": "processing"}},
        {"id": 6, "task_id": "video_1", "status": "processing"},
        {"id": "video_1", "status": "processing"},
    ],
    ids=json.dumps,
)
def test_a_callback_is_about_the_task_it_names(document: dict[str, Any]) -> None:
    observation = called_back(document)
    assert (observation.task_id, observation.status) == ("video_1", Status.RUNNING)


@pytest.mark.parametrize("name", ["created_at", "submit_time"])
def test_a_callback_says_when_the_task_was_created_and_not_the_event(name: str) -> None:
    observation = called_back({"type": "video.completed", "created_at": 1, "data": {"id": "v", name: 1776681149}})
    assert observation.created_at == datetime.fromtimestamp(1776681149, UTC)


def test_a_gateway_may_post_the_task_itself() -> None:
    observation = called_back({"id": "video_1", "object": "video", "status": "completed", "video_url": URL})
    assert (observation.task_id, observation.status) == ("video_1", Status.SUCCEEDED)
    assert observation.verified is False


OPENAI_ERRORS = [
    (401, "invalid_api_key", "Incorrect API key provided: sk-xxx.", ErrorKind.AUTH),
    (429, "insufficient_quota", "You exceeded your current quota.", ErrorKind.QUOTA),
    (429, "rate_limit_exceeded", "Rate limit reached for requests", ErrorKind.RATE_LIMITED),
    (404, None, "Video with id 'video_1' not found.", ErrorKind.NOT_FOUND),
    (404, None, "Video is not ready yet, use GET /v1/videos/{video_id} to check status.", ErrorKind.NOT_READY),
    (404, None, "Invalid URL (GET /v1/nothing)", ErrorKind.UNSUPPORTED),
    (400, None, "Invalid value: '5'. Supported values are: '4', '8', and '12'.", ErrorKind.INVALID_REQUEST),
    (503, None, "The engine is currently overloaded, please try again later", ErrorKind.UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), OPENAI_ERRORS)
def test_an_error_of_openai_means_one_thing(status: int, code: str | None, message: str, kind: ErrorKind) -> None:
    document = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    assert read_error(PROVIDER, json_response(document, status)).kind is kind


def test_a_web_page_is_a_wrong_address_and_no_unknown_task() -> None:
    page = HttpResponse(status=404, headers=(("Content-Type", "text/html"),), body=b"<html>404</html>")
    assert read_error(PROVIDER, page).kind is ErrorKind.PROTOCOL


KEYS = st.sampled_from(
    (
        *("id", "task_id", "data", "code", "error", "message", "status", "type", "progress", "created_at"),
        *("fail_reason", "video_url", "url", "metadata", "result_url", "submit_time", "properties"),
    )
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=8), st.sampled_from([200, 400, 404, 429, 500]))
def test_any_json_gives_a_reading_or_our_error(document: dict[str, Any], status: int) -> None:
    with suppress(ProviderError):
        read_retrieve(PROVIDER, json_response(document, status), "", "task_1")
    with suppress(ProviderError):
        called_back(document)
