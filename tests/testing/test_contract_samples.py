"""Samples and what is written down beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelway.model.http import json_request, json_response
from reelway.model.request import Media, VideoRequest
from reelway.provider.canonical import EMPTY, Call
from reelway.recording.recorder import Recorder
from reelway.testing.contract.samples import (
    AnswerReading,
    Declined,
    RequestCall,
    RequestReading,
    Sample,
    load,
    orphans,
    reading_file,
)
from tests.testing.reference.provider import Reference


def written(folder: Path, reading: Any, name: str = "get.json", body: Any = None) -> Sample:
    """A sample with its reading, loaded."""
    file = folder / name
    file.write_text(json.dumps({"id": "t"} if body is None else body))
    reading_file(file).write_text(reading if isinstance(reading, str) else json.dumps(reading))
    [sample] = load(folder)
    return sample


def test_a_reading_stands_beside_its_sample(tmp_path: Path) -> None:
    assert reading_file(tmp_path / "get.json").name == "get.reading.json"
    assert reading_file(tmp_path / "page.html").name == "page.html.reading.json"


def test_what_a_reading_leaves_out_the_answer_does_not_say(tmp_path: Path) -> None:
    sample = written(tmp_path, {"status": "queued", "task_id": "t"})
    [told] = sample.told()
    assert (told.call, told.response.status, told.route) == (Call.RETRIEVE, 200, None)
    assert [one.reading for one in told.readings] == [EMPTY | {"status": "queued", "task_id": "t"}]


def test_a_reading_says_how_the_answer_came(tmp_path: Path) -> None:
    came = {"call": "create", "http_status": 202, "route": "batch", "headers": {"X-Request-Id": "r"}}
    [told] = written(tmp_path, {"status": "queued"} | came).told()
    assert (told.call, told.response.status, told.route) == (Call.CREATE, 202, "batch")
    assert told.response.header("x-request-id") == "r"
    assert told.response.media_type == "application/json"


def test_an_answer_may_come_in_several_ways_and_speak_of_several_tasks(tmp_path: Path) -> None:
    readings = [{"status": "unknown", "http_status": 500}, *({"status": "queued", "task_id": one} for one in "ab")]
    several, single = sorted(written(tmp_path, readings).told(), key=lambda told: told.response.status)
    assert [one.task_id for one in several.readings] == ["a", "b"]
    assert single.response.status == 500


def test_a_request_is_written_down_in_the_users_terms(tmp_path: Path) -> None:
    wish = {"model": "m", "duration": 5, "first_frame": "https://x.example/a.png", "references": ["asset://1"]}
    sample = written(tmp_path, {"request": wish, "path": "v1/videos"}, body={"model": "m"})
    [entry] = sample.entries
    assert isinstance(entry, RequestReading)
    assert (entry.call, entry.path, sample.written) == (RequestCall.CREATE, "v1/videos", {"model": "m"})
    frame, reference = Media.of("https://x.example/a.png"), Media.of("asset://1")
    assert entry.wish == VideoRequest(model="m", duration=5, first_frame=frame, references=(reference,))


def test_a_sample_may_be_declined_with_a_reason(tmp_path: Path) -> None:
    sample = written(tmp_path, {"declined": "another vendor's", "note": "2025"})
    assert sample.entries == (Declined(declined="another vendor's", note="2025"),)
    assert list(sample.told()) == []


WRONG = {
    "no JSON": "{",
    "no UTF-8": "\udcff",
    "a field that no reading has": '{"status": "queued", "state": "queued"}',
    "a value of another type": '{"status": "queued", "progress": "40%"}',
    "no status": '{"task_id": "t"}',
    "no object": '"queued"',
    "a call that nobody makes": '{"status": "queued", "call": "phone"}',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_reading_that_cannot_be_read_is_a_problem(text: str, tmp_path: Path) -> None:
    (tmp_path / "get.reading.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "get.json").write_text("{}")
    [sample] = load(tmp_path)
    assert sample.entries == ()
    assert str(sample.problem).startswith("get.reading.json: ")


def test_a_page_about_the_samples_is_none(tmp_path: Path) -> None:
    for name in ("README.md", ".hidden", "deeper/get.json", "orphan.reading.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [sample.name for sample in load(tmp_path)] == ["deeper/get.json"]
    assert orphans(tmp_path) == ("orphan.reading.json",)


def test_a_recorded_exchange_says_itself_how_it_came(tmp_path: Path) -> None:
    request = json_request("POST", "v1/videos", {"model": "ref-1", "seed": 7})
    answer = json_response({"id": "ref_1", "status": "queued"}, 201)
    Recorder(tmp_path / "recording").exchange(Reference(), request, answer)
    [file] = (tmp_path / "recording").iterdir()
    reading_file(file).write_text(json.dumps([{"status": "queued"}, {"request": {"model": "ref-1"}}]))
    [sample] = load(tmp_path / "recording")
    [told] = sample.told()
    assert (told.call, told.response.status, told.response.media_type) == (Call.CREATE, 201, "application/json")
    assert json.loads(told.response.body)["status"] == "queued"
    assert sample.written["seed"] == 7


def test_a_reading_may_contradict_a_recording(tmp_path: Path) -> None:
    Recorder(tmp_path / "recording").exchange(
        Reference(), json_request("GET", "v1/videos/a", {}), json_response({})
    )
    [file] = (tmp_path / "recording").iterdir()
    reading_file(file).write_text(json.dumps({"status": "unknown", "http_status": 503, "call": "create"}))
    [told] = load(tmp_path / "recording")[0].told()
    assert (told.call, told.response.status) == (Call.CREATE, 503)


def test_an_answer_reading_has_the_fields_of_explain() -> None:
    assert AnswerReading(status="unknown").reading == EMPTY
