"""A download on the disk: one name belongs to one download, and what stands under it is not touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reelway.downloading import downloaded
from reelway.errors import DownloadError, Fault
from reelway.flow.effects import Flow, Send
from reelway.flow.fetch import Fetched, fetch
from reelway.model.observation import Status
from reelway.transport.part_file import PartFile
from tests.acme import ACME, LINK, said, task
from tests.flow.hand import Hand, raises
from tests.flow.test_fetch import VIDEO, MemoryPart, plan, rest, whole


def downloading(part: PartFile, **facts: Any) -> Flow[Fetched]:
    held = task(links=(LINK,), status=Status.SUCCEEDED, confirmed=True)
    return fetch(ACME, held, part, plan(**facts))


@pytest.mark.parametrize("moment", ["while bytes come", "between two connections"])
def test_a_second_download_to_the_same_name_is_refused_and_spoils_nothing(moment: str, tmp_path: Path) -> None:
    target, errors = tmp_path / "cat.mp4", []
    part, other = PartFile(target, "task-1"), VIDEO[:-1] + b"!"

    def intrude(*_: Any) -> None:
        second = PartFile(target, "task-2")
        errors.append(raises(downloading(second), Hand(whole(other))))
        second.close()

    def resumed(effect: Any) -> Any:
        intrude()
        return rest(1000)

    if moment == "while bytes come":
        Hand(whole()).run(downloading(part, progress=intrude))
    else:
        Hand(whole(breaks=1000), resumed).run(downloading(part))
    assert target.read_bytes() == VIDEO
    assert [path.name for path in tmp_path.iterdir()] == ["cat.mp4"]
    for error in errors:
        assert isinstance(error, DownloadError)
        assert "Another download is writing" in str(error)
        assert (error.retryable, error.fault, error.task is None) == (True, Fault.CALLER, False)
    assert errors


def test_a_file_that_appears_during_the_download_stays_and_so_does_the_result(tmp_path: Path) -> None:
    target = tmp_path / "cat.mp4"
    part = PartFile(target, "task-1")
    error = raises(downloading(part, progress=lambda *_: target.write_bytes(b"mine")), Hand(whole()))
    part.close()
    assert isinstance(error, DownloadError)
    assert error.task is not None
    assert (target.read_bytes(), (tmp_path / "cat.mp4.part").read_bytes()) == (b"mine", VIDEO)


@pytest.mark.parametrize(("timeout", "asked"), [(7, 7), (1800, 30)])
def test_asking_how_the_task_stands_is_bounded_by_the_time_for_the_download(timeout: float, asked: float) -> None:
    hand = Hand(said("succeeded", video_url=LINK), whole())
    hand.run(downloaded(ACME, task(), lambda task: MemoryPart(), plan(timeout=timeout)))
    assert [effect.timeout for effect in hand.of(Send)] == [asked]
