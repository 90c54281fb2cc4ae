"""A template leads every result to a place of its own below the one that was written, whatever its values are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway import ConfigurationError, TaskRef
from reelway.model.task import Task
from reelway.storing.template import FIELDS, Result, Template
from tests.storing.hand import result

EVERY = "/".join(f"{{{name}}}" for name in FIELDS)


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("videos/{provider}/{id}.mp4", "videos/acme/task-1.mp4"),
        ("videos/{account}/{id}-{variant}.mp4", "videos/default/task-1-thumbnail.mp4"),
        ("/srv/{label}/{date}/{id}.mp4", "/srv/spring/2026-03-01/task-1.mp4"),
        ("{{{id}}}.mp4", "{task-1}.mp4"),
    ],
)
def test_blanks_are_filled(template: str, place: str) -> None:
    made = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert Template(template).filled(result(variant="thumbnail", label="spring", created_at=made)) == place


def test_what_a_result_lacks_has_a_word_of_its_own() -> None:
    assert Template("{label}/{id}").filled(result()) == "none/task-1"


def test_the_date_is_that_of_the_task_in_utc_and_does_not_depend_on_the_day_of_the_download() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert Template("{date}").filled(result(created_at=late)) == "2026-03-02"
    unknown = result(created_at=None)
    assert Template("{date}").filled(unknown) == unknown.task.submitted_at.date().isoformat()


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{prompt}.mp4", "{prompt}"),
        ("{}.mp4", "{}"),
        ("{0}.mp4", "{0}"),
        ("{id!r}.mp4", "{id!r}"),
        ("{id:>10}.mp4", "{id:>10}"),
        ("{id.__class__}.mp4", "{id.__class__}"),
        ("{id", "cannot be read"),
        ("id}", "cannot be read"),
        ("../{id}.mp4", "leads back up"),
        ("videos/../{id}.mp4", "leads back up"),
        ("videos\\..\\{id}.mp4", "leads back up"),
        ("videos/./{id}.mp4", "leads back up"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(template: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        Template(template)
    assert caught.value.hint


VALUES = st.text(min_size=1, max_size=300)


@given(st.tuples(VALUES, VALUES, VALUES, VALUES), VALUES, st.text(max_size=300))
def test_no_value_leads_anywhere_else(parts: tuple[str, str, str, str], variant: str, label: str) -> None:
    whose = Task.new(TaskRef(*parts), datetime(2026, 3, 1, tzinfo=UTC))
    place = Template(f"videos/{EVERY}.mp4").filled(Result(task=whose, variant=variant, label=label))
    for path in (PurePosixPath(place), PureWindowsPath(place)):
        assert (path.parts[0], len(path.parts)) == ("videos", 1 + len(FIELDS))
        assert not path.is_absolute()
        assert not {".", ".."} & set(path.parts)
        assert all(len(part) < 130 for part in path.parts)
    assert re.fullmatch(r"[A-Za-z0-9._/-]+", place)
