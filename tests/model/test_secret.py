"""What must not be shown is shown nowhere, and still is what it is."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import msgspec
import pytest

from reelway.model.observation import Video
from reelway.model.secret import Secret

TEXT = "sk-not-to-be-seen"
SECRET = Secret(TEXT)


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        "%s and %r" % (SECRET, SECRET),  # noqa: UP031 - logging formats like this
        repr([SECRET]),
        repr(Video(url=SECRET)),
    ],
)
def test_no_way_of_showing_it_shows_anything(shown: str) -> None:
    assert TEXT not in shown
    assert "Secret(…)" in shown


def test_a_log_record_holds_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("reelway").warning("using %s", SECRET)
    assert TEXT not in caplog.text


def test_a_traceback_holds_nothing_of_it() -> None:
    error = ValueError(SECRET)
    assert TEXT not in "".join(traceback.format_exception(error))


def test_it_is_revealed_where_it_is_asked_for() -> None:
    assert SECRET.reveal() == TEXT


def test_two_of_the_same_text_are_equal_and_no_text_is() -> None:
    assert Secret(TEXT) == SECRET
    assert hash(Secret(TEXT)) == hash(SECRET)
    assert Secret("other") != SECRET
    assert SECRET != TEXT


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_of_it_goes_into_a_pickle(protocol: int) -> None:
    pickled = pickle.dumps(SECRET, protocol)
    assert TEXT.encode() not in pickled
    assert pickle.loads(pickled) == Secret("")  # noqa: S301 - our own bytes


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_same(copied: Callable[[Video], Video]) -> None:
    assert copied(Video(url=SECRET)).url.reveal() == TEXT


@pytest.mark.parametrize("write", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps])
def test_nobody_writes_it_down_by_accident(write: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        write(SECRET)
    assert TEXT not in str(caught.value)


def test_it_carries_nothing_else() -> None:
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]
