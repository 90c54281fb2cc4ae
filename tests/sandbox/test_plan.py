"""Faults are asked for in the prompt; what is misspelt is told, and never passed over."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ConfigurationError
from reelway.sandbox.callbacks import DISTORTIONS
from reelway.sandbox.faults import CATALOG, Fault, Place, Takes
from reelway.sandbox.plan import ArmedFault, Orders, Plan, marks_in
from reelway.sandbox.spoil import SPOILERS


def plan_of(*texts: str) -> Plan:
    return Plan(ArmedFault.parse(text) for text in texts)


def test_every_fault_either_spoils_an_answer_or_a_callback_or_shapes_the_job() -> None:
    told = {fault.name for fault in CATALOG if Place.CALLBACK in fault.at}
    assert told == set(DISTORTIONS)
    assert {fault.name for fault in CATALOG if not fault.shapes} - told == set(SPOILERS)


@pytest.mark.parametrize("fault", CATALOG, ids=lambda fault: fault.name)
def test_every_fault_says_what_it_does_and_can_be_asked_for(fault: Fault) -> None:
    assert fault.says.endswith(".")
    assert fault.name == fault.name.lower().replace("_", "-")
    assert ArmedFault.parse(fault.name).fault is fault


def test_names_are_unique() -> None:
    assert len({fault.name for fault in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize(
    ("text", "left"),
    [("missing", 2), ("missing:5", 5), ("missing:0", 0), ("reset", 1), ("stuck", math.inf), ("slow:0.5", math.inf)],
)
def test_an_argument_says_how_many_calls(text: str, left: float) -> None:
    assert ArmedFault.parse(text).left == left


def test_a_call_in_front_narrows_a_fault_down() -> None:
    assert ArmedFault.parse("retrieve/reset").at == (Place.RETRIEVE,)
    assert ArmedFault.parse("reset").at == tuple(place for place in Place if place is not Place.CALLBACK)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("truncate", "no fault 'truncate'"),
        ("", "no fault"),
        ("Reset", "no fault"),
        ("missing:often", "a number of calls"),
        ("missing:-1", "a number of calls"),
        ("missing:12345", "a number of calls"),
        ("slow:forever", "a number of seconds"),
        ("slow:nan", "a number of seconds"),
        ("stuck:2", "no argument"),
        ("create/missing", "does not act at 'create'"),
        ("poll/missing", "does not act at 'poll'"),
    ],
)
def test_a_misspelt_fault_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        ArmedFault.parse(text)


def test_marks_are_found_in_every_text_of_a_request() -> None:
    fields = {
        "prompt": "A cat [[fail:too furry]] on a [[slow:3]] train",
        "content": [{"type": "text", "text": "[[retrieve/reset:2]]"}, 7, None],
        "ignored": "[[Not A Fault]] [[]] [missing] {{missing}}",
    }
    assert list(marks_in(fields)) == ["fail:too furry", "slow:3", "retrieve/reset:2"]


@pytest.mark.parametrize("written", ["fail=no luck", "fail no luck", "unknown_word", "missing(2)"])
def test_a_mark_with_the_wrong_sign_is_found_and_refused(written: str) -> None:
    [mark] = marks_in({"prompt": f"A cat [[{written}]]"})
    with pytest.raises(ConfigurationError, match="knows no fault"):
        ArmedFault.parse(mark)


@given(st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_fields_can_be_searched(value: object) -> None:
    for mark in marks_in({"value": value}):
        assert "[[" not in mark


@given(st.text())
def test_any_text_is_a_fault_or_a_complaint(text: str) -> None:
    with suppress(ConfigurationError):
        assert ArmedFault.parse(text).left >= 0


def test_faults_act_in_the_order_in_which_they_are_written() -> None:
    plan = plan_of("create/reset", "create/html:2")
    struck = [armed.fault.name if armed else None for armed in (plan.strike(Place.CREATE) for _ in range(4))]
    assert struck == ["reset", "html", "html", None]


def test_counted_faults_come_before_those_that_act_on_every_call() -> None:
    plan = plan_of("slow", "truncated")
    struck = [armed.fault.name if armed else None for armed in (plan.strike(Place.LINK) for _ in range(3))]
    assert struck == ["truncated", "slow", "slow"]


def test_a_fault_that_shapes_the_job_spoils_no_answer() -> None:
    plan = plan_of("unknown-word:1")
    assert plan.strike(Place.RETRIEVE) is None
    assert [plan.take("unknown-word"), plan.take("unknown-word"), plan.has("unknown-word")] == [True, False, False]
    assert plan.names == ("unknown-word",)


def test_orders_last_for_so_many_creates() -> None:
    orders = Orders(("fail",), creates=2)
    assert [len(orders.take()) for _ in range(3)] == [1, 1, 0]


def test_what_takes_nothing_says_so() -> None:
    assert all(not fault.default for fault in CATALOG if fault.takes is Takes.NOTHING)
