"""What the samples leave open: habits of the gateway software, and what is not read on purpose."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Failure, FailureKind, Status, Video
from reelway.model.secret import Secret
from reelway.provider.reading import read_error, read_retrieve
from reelway_infinityblue import InfinityBlue

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = InfinityBlue()

MAIN, GENERATIONS = "", "generations"

CREATED = datetime(2025, 11, 28, 16, 24, 50, 922_000, tzinfo=UTC)
"""1764347090922 milliseconds."""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def video(url: str) -> tuple[Video, ...]:
    return (Video(url=Secret(url)),)


def test_the_request_id_is_found_where_the_gateway_writes_it() -> None:
    error = read_error(PROVIDER, json_response(sample("new-api-error-401-invalid-token"), 401))
    assert error.request_id == "20260101000000000000000example"


def test_the_error_of_a_failed_task_that_is_printed_alone_reads_as_in_its_place() -> None:
    document = sample("get-failed") | {"error": sample("task-error-object")}
    observation = read_retrieve(PROVIDER, json_response(document), MAIN, "video_abc123")
    failed = Failure(kind=FailureKind.INTERNAL, code="generation_failed", message="generation failed")
    assert observation.failure == failed


def test_the_path_of_the_oldest_draft_is_not_spoken() -> None:
    paths = {path for dialect in PROVIDER.dialects.values() for path in (dialect.create, dialect.read)}
    assert not any("videos/generations" in path for path in paths)


HABITS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "the literal unknown is no state": (
        MAIN,
        {"id": "a", "status": "unknown"},
        {"status": None, "provider_status": "unknown"},
    ),
    "milliseconds and an empty model come from the Kling channel": (
        MAIN,
        {"id": "a", "status": "in_progress", "model": "", "created_at": 1764347090922},
        {"status": Status.RUNNING, "model": None, "created_at": CREATED},
    ),
    "a failed task may give no reason": (
        MAIN,
        {"id": "a", "status": "failed"},
        {"status": Status.FAILED, "failure": Failure()},
    ),
    "the reason may stand in the place of the link": (
        MAIN,
        {"id": "a", "status": "failed", "metadata": {"url": "the picture was refused"}},
        {"videos": (), "failure": Failure(message="the picture was refused")},
    ),
    "a link in the place of the reason is no reason": (
        MAIN,
        {"id": "a", "status": "failed", "metadata": {"url": "https://example.com/a.mp4"}},
        {"failure": Failure()},
    ),
    "an error object next to a completed task is no failure": (
        GENERATIONS,
        {"task_id": "a", "status": "completed", "error": {"code": 0, "message": ""}},
        {"status": Status.SUCCEEDED, "failure": None},
    ),
    "the wrapped record of a success holds its link": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "SUCCESS", "result_url": "https://x.example/1"}},
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1")},
    ),
    "an older record kept the link in the column of the reason": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "SUCCESS", "fail_reason": "https://x.example/1"}},
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1"), "failure": None},
    ),
    "the wrapped record of a failure holds its reason": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "FAILURE", "fail_reason": "no luck"}},
        {"status": Status.FAILED, "videos": (), "failure": Failure(message="no luck")},
    ),
    "the short form of the Gemini channel is wrapped as well": (
        GENERATIONS,
        {
            "code": "success",
            "data": {"task_id": "a", "status": "succeeded", "url": "https://x.example/1", "error": None},
        },
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1")},
    ),
    "an object of the upstream passes through with its own words": (
        MAIN,
        {"id": "a", "status": "expired", "content": {}},
        {"status": Status.EXPIRED},
    ),
}
"""What the source of the gateway software shows, for answers of which nobody has printed a sample."""


@pytest.mark.parametrize("habit", HABITS)
def test_the_gateway_software_is_understood(habit: str) -> None:
    route, document, expected = HABITS[habit]
    response = HttpResponse(status=200, body=json.dumps(document).encode())
    observation = read_retrieve(PROVIDER, response, route, "a")
    assert {field: getattr(observation, field) for field in expected} == expected
