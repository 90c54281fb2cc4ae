"""What must not be shown is shown nowhere, and still is what it is."""

import logging
import pickle
import traceback

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


def test_it_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(SECRET)) == SECRET  # noqa: S301 - our own bytes


def test_it_carries_nothing_else() -> None:
    with pytest.raises(AttributeError):
        SECRET.note = "x"  # type: ignore[attr-defined]
