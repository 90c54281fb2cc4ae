"""Objects over real HTTP: whole or not there, fetched once, and uploaded again where that broke off."""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from reelway import ConfigurationError, DownloadError, Fault, ReelwayError
from reelway.flow.stream import StoreInterrupted
from reelway.model.task import StoredResult
from reelway.storing import bucket
from reelway.storing.bucket import PART
from reelway.storing.manifest import Manifest
from reelway.storing.objects import SPOOL, spool_folder
from tests.client.shelf import video
from tests.storing.hand import SMALL, fill, opened, result, store
from tests.storing.s3 import KEY_ID, RESET, SECRET, TOKEN, LocalS3

TO: Final = "s3://videos/films/{id}.mp4"
KEY: Final = "films/task-1.mp4"
LARGE: Final = video(2 * PART + 12_345)


@pytest.fixture(autouse=True)
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library waits in real time.
    monkeypatch.setattr(bucket, "RETRIES", 2)


def assert_whole(s3: LocalS3, spool: Path, content: bytes, key: str = KEY) -> None:
    assert s3.objects[key] == content
    manifest = Manifest.read(s3.objects[f"{key}.json"])
    assert manifest is not None
    assert (manifest.size, manifest.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert s3.unfinished == 0
    assert [path for path in spool.iterdir() if not path.name.endswith(".lock")] == []


@pytest.mark.parametrize("content", [SMALL, LARGE, video(PART), video(PART + 1)], ids=len)
def test_an_object_is_the_file_byte_for_byte(s3: LocalS3, spool: Path, content: bytes) -> None:
    stored = store(TO, content=content)
    assert stored.location == f"s3://videos/{KEY}"
    assert_whole(s3, spool, content)


def test_the_manifest_comes_last(s3: LocalS3) -> None:
    store(TO, content=LARGE)
    assert s3.requests.index("complete") < s3.requests.index("put manifest")
    assert sorted(name for name in s3.requests if name.startswith("part")) == ["part 1", "part 2", "part 3"]


def test_what_is_there_is_neither_fetched_nor_uploaded_again(s3: LocalS3) -> None:
    first = store(TO)
    s3.requests.clear()
    assert opened(TO).kept() == first
    assert not [name for name in s3.requests if not name.startswith(("head", "get"))]


@pytest.mark.parametrize("name", ["head", "begin", "part 2", "complete", "put manifest"])
@pytest.mark.parametrize("fault", ["500", "503", RESET])
def test_passing_trouble_of_an_upload_is_waited_out(s3: LocalS3, spool: Path, name: str, fault: str) -> None:
    s3.faults[name] = [fault]
    stored_at_last(LARGE)
    assert_whole(s3, spool, LARGE)


def stored_at_last(content: bytes, tries: int = 3) -> StoredResult:
    """As a flow does it: fetched once, then brought to its place again and again."""
    one = opened(TO)
    try:
        for _ in range(tries):
            try:
                if (kept := one.kept()) is not None:
                    return kept
                fill(one, content)
            except StoreInterrupted:
                continue
    finally:
        one.close()
    raise AssertionError("it never came there")


@pytest.mark.parametrize("name", ["begin", "part 1", "part 2", "part 3", "complete", "put manifest"])
def test_an_upload_that_fails_is_taken_back_and_goes_on_from_the_spool(s3: LocalS3, spool: Path, name: str) -> None:
    one = opened(TO)
    assert one.kept() is None
    s3.faults[name] = ["500"] * 20
    with pytest.raises(StoreInterrupted, match=r"HTTP 500 \(SlowDown\)"):
        fill(one, LARGE)
    one.close()
    assert s3.objects.get(KEY) in {None, LARGE}
    assert f"{KEY}.json" not in s3.objects
    s3.faults.clear()
    # Another process, which fetches nothing.
    again = opened(TO)
    assert again.kept() is not None
    again.close()
    assert s3.objects[KEY] == LARGE


@pytest.mark.parametrize("name", ["part 1", "part 2", "part 5", "complete"])
def test_what_was_sent_of_a_failed_upload_is_removed(s3: LocalS3, name: str) -> None:
    s3.faults[name] = ["500"] * 20
    with pytest.raises(StoreInterrupted):
        store(TO, content=video(4 * PART + 1))
    assert s3.count("abort") == 1
    assert s3.unfinished == 0


REFUSALS: Final = [
    ("403", "the credentials do not allow it"),
    ("401", "the credentials are missing, or are not accepted"),
]


@pytest.mark.parametrize(("status", "says"), REFUSALS)
@pytest.mark.parametrize("name", ["head", "put", "put manifest"])
def test_a_refusal_is_told_at_once_and_keeps_what_was_fetched(
    s3: LocalS3, spool: Path, name: str, status: str, says: str
) -> None:
    one = opened(TO)
    assert one.kept() is None
    s3.faults[name] = [status]
    with pytest.raises(DownloadError) as caught:
        fill(one)
    one.close()
    assert says in str(caught.value)
    assert (caught.value.fault, caught.value.retryable) == (Fault.CALLER, False)
    assert "credentials" in caught.value.hint
    store(TO)
    assert_whole(s3, spool, SMALL)


def test_a_bucket_that_is_not_there_is_named(s3: LocalS3) -> None:
    with pytest.raises(DownloadError, match="s3://nowhere refused: there is no such bucket"):
        store("s3://nowhere/{id}.mp4")


def test_an_address_without_https_is_a_matter_of_settings(s3: LocalS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(StoreInterrupted, match="AWS_ALLOW_HTTP"):
        store(TO)


def test_a_store_out_of_reach_is_passing_trouble(s3: LocalS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreInterrupted, match="there is no connection"):
        store(TO)


def test_an_upload_that_is_given_up_ends_soon_and_is_taken_back(s3: LocalS3) -> None:
    one = opened(TO)
    s3.on = lambda moment: one.give_up() if moment == "before part 1" else None
    with pytest.raises(InterruptedError, match="given up"):
        fill(one, video(8 * PART))
    assert s3.objects == {}
    assert s3.unfinished == 0
    assert s3.count("complete") == 0


def test_what_is_there_afterwards_is_looked_at_before_a_manifest_says_so(s3: LocalS3) -> None:
    one = opened(TO)
    s3.on = lambda moment: s3.put(KEY, b"mine") if moment == "after put" else None
    with pytest.raises(StoreInterrupted, match="not what was sent"):
        fill(one)
    one.close()
    assert s3.objects == {KEY: b"mine"}


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({SPOOL: "here"}, Path("here")),
        ({"XDG_CACHE_HOME": "cache"}, Path("cache/reelway/spool")),
        ({"XDG_CACHE_HOME": ""}, Path.home() / ".cache" / "reelway" / "spool"),
    ],
)
def test_the_spool_is_where_the_user_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: Path
) -> None:
    for name in (SPOOL, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert spool_folder() == folder


# --- what stands there already ---


def test_somebody_elses_object_is_refused_before_anything_is_fetched(s3: LocalS3) -> None:
    s3.put(KEY, b"mine")
    with pytest.raises(ConfigurationError, match="not the result of"):
        opened(TO).kept()
    assert s3.objects[KEY] == b"mine"


def test_another_results_object_is_refused_before_anything_is_fetched(s3: LocalS3) -> None:
    to = "s3://videos/one.mp4"
    store(to, result("task-2"))
    with pytest.raises(ConfigurationError, match="not the result of"):
        opened(to).kept()


def test_what_appears_meanwhile_is_not_touched(s3: LocalS3) -> None:
    one = opened(TO)
    assert one.kept() is None
    s3.put(KEY, b"mine")
    with pytest.raises(ConfigurationError, match="not the result of"):
        fill(one)
    one.close()
    assert s3.objects[KEY] == b"mine"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=len)
def test_overwriting_takes_the_old_manifest_away_before_the_old_video(
    s3: LocalS3, spool: Path, content: bytes
) -> None:
    to = "s3://videos/one.mp4"
    store(to, result("task-2"), video(len(SMALL) + 50))
    s3.requests.clear()
    store(to, content=content, overwrite=True)
    assert s3.requests.index("delete") < s3.requests.index("put" if content is SMALL else "begin")
    assert_whole(s3, spool, content, "one.mp4")


def test_an_object_whose_manifest_was_not_written_gets_it_without_being_uploaded_again(
    s3: LocalS3, spool: Path
) -> None:
    store(TO)
    s3.remove(f"{KEY}.json")
    s3.requests.clear()
    # Nothing is left in the spool, so it is fetched again, and recognized by its digest.
    store(TO)
    assert s3.count("put") == 0
    assert_whole(s3, spool, SMALL)


def test_an_object_that_was_removed_is_stored_again(s3: LocalS3, spool: Path) -> None:
    store(TO)
    s3.remove(KEY)
    store(TO)
    assert_whole(s3, spool, SMALL)


# --- what nobody may see ---


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        yield caplog.messages


@pytest.mark.parametrize("status", ["401", "403", "500", "400", RESET])
def test_no_credential_shows_in_an_error_or_a_log(
    s3: LocalS3, spool: Path, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = opened(TO)
    with caplog.at_level(logging.DEBUG):
        s3.faults["head"] = [status] * 20
        with pytest.raises((StoreInterrupted, ReelwayError)) as caught:
            one.kept()
        s3.faults.clear()
        stored = store(TO)
    error = caught.value
    shown = [str(error), repr(error), *traceback.format_exception(error), caplog.text, repr(one), repr(stored)]
    kept = [path.read_text() for path in spool.iterdir() if path.suffix == ".json"]
    for secret in (KEY_ID, SECRET, TOKEN):
        assert not [text for text in [*shown, *kept, *map(repr, s3.objects)] if secret in text]
    assert error.__context__ is None
