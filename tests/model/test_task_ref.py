"""A reference finds its task again, from its text alone."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelway.model.task import TaskRef

# Every code point, lone surrogates included: an id is whatever a provider sends.
anything = st.text(st.characters(exclude_categories=[]), max_size=40)
something = anything.filter(bool)


@given(provider=something, account=something, route=anything, task_id=something)
@example(provider="acme", account="main", route="", task_id="a:b::c")
@example(provider="acme", account="main", route="", task_id="100%")
@example(provider="acme", account="main", route="", task_id="%2F/%25")
@example(provider="acme", account="main", route="", task_id="\ud83d\ude00")
@example(provider="acme", account="main", route="", task_id=" \n\x00")
def test_the_text_of_a_reference_leads_back_to_it(provider: str, account: str, route: str, task_id: str) -> None:
    ref = TaskRef(provider, account, route, task_id)
    assert TaskRef.parse(str(ref)) == ref


@given(task_id=something)
def test_the_text_is_plain_and_has_five_parts(task_id: str) -> None:
    written = str(TaskRef("acme", "main", "old", task_id))
    assert written.isascii()
    assert written.isprintable()
    assert len(written.split(":")) == 5


def test_the_text_is_what_the_manual_says() -> None:
    ref = TaskRef("acme", "main", "", "video 1/ü")
    assert str(ref) == "reelway1:acme:main::video%201%2F%C3%BC"


def test_blanks_around_a_pasted_reference_do_no_harm() -> None:
    assert TaskRef.parse("  reelway1:acme:main::1\n") == TaskRef("acme", "main", "", "1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "starts with 'reelway1:'"),
        ("video_abc123", "starts with 'reelway1:'"),
        ("reelway2:acme:main::1", "starts with 'reelway1:'"),
        ("reelway1", "has four parts after 'reelway1:', but this one has 0"),
        ("reelway1:acme:main:1", "but this one has 3"),
        ("reelway1:acme:main::a:b", "but this one has 5"),
        ("reelway1::main::1", "one of them is empty"),
        ("reelway1:acme:::1", "one of them is empty"),
        ("reelway1:acme:main::", "one of them is empty"),
        ("reelway1:acme:main::%", "percent-encoded UTF-8, but '%' is not"),
        ("reelway1:acme:main::ab%2", "percent-encoded UTF-8, but 'ab%2' is not"),
        ("reelway1:acme:main::%zz", "percent-encoded UTF-8, but '%zz' is not"),
        ("reelway1:acme:main::%FF", "percent-encoded UTF-8, but '%FF' is not"),
    ],
)
def test_a_malformed_text_is_told_what_is_wrong_with_it(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TaskRef.parse(text)


@given(text=anything | anything.map("reelway1:acme:main::".__add__))
def test_any_text_is_a_reference_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        ref = TaskRef.parse(text)
        assert TaskRef.parse(str(ref)) == ref
