"""The result file is a playable video, and each task has its own."""

from reelway.flow.container import container_of
from reelway.sandbox.video import etag, reel, video_of


def boxes(content: bytes) -> list[bytes]:
    """The types of an MP4's top-level boxes, whose sizes have to add up."""
    types, position = [], 0
    while position < len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        types.append(content[position + 4 : position + 8])
        position += size
    assert position == len(content)
    return types


def test_the_reel_is_an_mp4_with_its_index_in_front() -> None:
    types = boxes(reel())
    assert types[0] == b"ftyp"
    assert types.index(b"moov") < types.index(b"mdat")
    assert container_of(reel(), "video") is not None


def test_a_task_s_file_is_the_reel_and_a_box_that_players_skip() -> None:
    content = video_of("acme", "task-1")
    assert content.startswith(reel())
    assert boxes(content) == [*boxes(reel()), b"free"]


def test_files_of_different_tasks_can_be_told_apart() -> None:
    names = [("acme", "task-1"), ("acme", "task-2"), ("other", "task-1")]
    assert len({video_of(*name) for name in names}) == len(names)
    assert len({etag(video_of(*name)) for name in names}) == len(names)
    assert video_of("acme", "task-1") == video_of("acme", "task-1")
