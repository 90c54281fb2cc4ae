"""A recording is written beside the work, read back as it was meant, and served in place of the network."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from reelway.errors import ConfigurationError
from reelway.model.http import HttpRequest, HttpResponse, json_request, json_response
from reelway.recording.recorder import Recorder
from reelway.recording.sample import read_samples
from reelway.testing.replay import Replay
from tests.acme import ACME

CREATE = json_request("POST", "v1/videos", {"prompt": "A secret plan", "model": "acme-1"})
POLL = HttpRequest(method="GET", path="v1/videos/task_9")


def recorded(folder: Path) -> Path:
    recorder = Recorder(folder)
    recorder.exchange(ACME, CREATE, json_response({"id": "task_9", "status": "queued"}))
    recorder.exchange(ACME, POLL, json_response({"id": "task_9", "status": "running", "progress": 40}))
    recorder.exchange(ACME, POLL, HttpResponse(status=502, body=b"<html>sorry</html>"))
    return folder


def test_each_exchange_is_a_file_in_its_order(tmp_path: Path) -> None:
    samples = read_samples(recorded(tmp_path / "new" / "boat"))
    assert [sample.request["method"] for sample in samples] == ["POST", "GET", "GET"]
    assert [sample.response["status"] for sample in samples] == [200, 200, 502]
    assert {sample.provider for sample in samples} == {"acme"}


def test_a_file_is_laid_out_for_reading_and_always_the_same(tmp_path: Path) -> None:
    first, second = recorded(tmp_path / "1"), recorded(tmp_path / "2")
    names = sorted(file.name for file in first.iterdir())
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]
    text = (first / names[0]).read_text()
    assert text.count("\n") > 5
    assert "secret" not in text


def test_a_recording_needs_a_folder_of_its_own(tmp_path: Path) -> None:
    recorded(tmp_path / "boat")
    with pytest.raises(ConfigurationError, match="holds files already"):
        Recorder(tmp_path / "boat")


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="Nothing can be recorded"):
        Recorder(tmp_path / "file")


def test_an_exchange_that_cannot_be_written_costs_nobody_a_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "boat")
    (tmp_path / "boat").rmdir()
    with caplog.at_level(logging.DEBUG):
        recorder.exchange(ACME, CREATE, json_response({"id": "task_9"}))
    assert "could not be recorded" in caplog.text
    assert "task_9" not in caplog.text


@pytest.mark.parametrize("damage", ["", "[]", '{"provider": "acme"}', '{"a": 1}', "\xff"])
def test_a_damaged_recording_is_told_by_its_file(tmp_path: Path, damage: str) -> None:
    (tmp_path / "0001-get.json").write_bytes(damage.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"0001-get\.json is no sample"):
        Replay(tmp_path)


def test_an_empty_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no recording"):
        Replay(tmp_path)


def asked(method: str, path: str) -> HttpRequest:
    return HttpRequest(method=method, path=path)


def test_a_replay_answers_each_call_in_its_order_and_the_last_for_ever(tmp_path: Path) -> None:
    replay = Replay(recorded(tmp_path / "boat"))
    made = replay.respond(asked("POST", "/some/base/v1/videos"))
    assert json.loads(made.body) == {"id": "task-1", "status": "queued"}
    statuses = [replay.respond(asked("GET", "/v1/videos/task-1")).status for _ in range(3)]
    assert statuses == [200, 502, 502]


def test_a_replay_leads_links_to_the_given_video(tmp_path: Path) -> None:
    replay = Replay(recorded(tmp_path / "boat"), video=b"bytes of a video")
    assert replay.respond(asked("GET", "/file-1.mp4")).body == b"bytes of a video"


@pytest.mark.parametrize("path", ["/v1/videos/task-2", "/file-1.mp4", "/xv1/videos/task-1"])
def test_what_was_never_recorded_is_told_with_what_was(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigurationError, match="was recorded") as caught:
        Replay(recorded(tmp_path / "boat")).respond(asked("GET", path))
    assert "GET v1/videos/task-1" in caught.value.hint
