"""What is wrong with a description is told at once, and what is right becomes source that needs no repair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.model.observation import Status
from reelway.provider.readers import first_link
from reelway.scaffold.description import Description, Protocol, problems_in

WRONG = {
    "a name with a capital": (Description(name="Acme"), "name"),
    "a name of one letter": (Description(name="a"), "name"),
    "a name that is too long": (Description(name="a" * 25), "name"),
    "a name with a hyphen at its end": (Description(name="acme-"), "name"),
    "a name that leads elsewhere": (Description(name="../acme"), "name"),
    "a title that ends the text": (Description(name="acme", title='Ac"me'), "title"),
    "an address without a scheme": (Description(name="acme", base_url="api.acme.example"), "base_url"),
    "an address with a password": (Description(name="acme", base_url="https://me:pw@acme.example"), "base_url"),
    "an address with a query": (Description(name="acme", base_url="https://acme.example?a=1"), "base_url"),
    "a word of other letters": (Description(name="acme", words={"готово": Status.SUCCEEDED}), "word"),
    "a word that means lost": (Description(name="acme", words={"gone": Status.LOST}), "word"),
    "a word that is there twice": (
        Description(name="acme", words={"all done": Status.SUCCEEDED, "ALL-DONE": Status.SUCCEEDED}),
        "word",
    ),
    "a usual word that is given away": (Description(name="acme", words={"completed": Status.RUNNING}), "word"),
    "a link that is no place": (Description(name="acme", link="data..url"), "link"),
    "a link in the second of a list": (Description(name="acme", link="output.1"), "link"),
    "a link where the word is": (Description(name="acme", link="status.url"), "link"),
    "no link and no content route": (Description(name="acme", link="", protocol=Protocol.OWN), "link"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named(kind: str) -> None:
    described, field = WRONG[kind]
    assert [problem.field for problem in problems_in(described)] == [field]


def test_everything_is_told_at_once() -> None:
    described = Description(name="A", title="\n", base_url="x", words={"": Status.QUEUED}, link=".")
    assert {problem.field for problem in problems_in(described)} == {"name", "title", "base_url", "word", "link"}


def test_a_password_in_an_address_is_not_quoted() -> None:
    [problem] = problems_in(Description(name="acme", base_url="https://me:secret@acme.example"))
    assert "secret" not in str(problem)


def test_a_status_without_a_word_has_the_usual_one() -> None:
    described = Description(name="acme", words={"All-Done": Status.SUCCEEDED, "late": Status.EXPIRED})
    assert described.all_words == {
        "queued": Status.QUEUED,
        "in_progress": Status.RUNNING,
        "all_done": Status.SUCCEEDED,
        "failed": Status.FAILED,
        "late": Status.EXPIRED,
    }


def test_words_may_trade_places() -> None:
    described = Description(name="acme", words={"completed": Status.RUNNING, "ready": Status.SUCCEEDED})
    assert problems_in(described) == []
    assert described.all_words["completed"] is Status.RUNNING


@given(st.text(max_size=30))
def test_an_address_that_is_accepted_can_be_read_as_one(address: str) -> None:
    described = Description(name="acme", base_url=address)
    if address and not problems_in(described):
        assert first_link({"a": address}, ("a",)) == address
