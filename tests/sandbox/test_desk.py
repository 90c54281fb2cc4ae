"""The desk steers the sandbox over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reelway.model.observation import Status
from reelway.sandbox import CATALOG, Ledger
from tests.sandbox.caller import Caller


def told(caller: Caller, method: str, place: str, document: Any = None) -> Any:
    answer = caller.desk(method, place, document)
    assert answer.status == 200
    return msgspec.json.decode(answer.body)


@pytest.mark.parametrize("path", ["/", "/-", "/-/"])
def test_the_index_tells_what_there_is(path: str) -> None:
    caller = Caller()
    index = msgspec.json.decode(caller.send("GET", path).body)
    assert index["providers"] == {"acme": caller.sandbox.base_url("acme")}
    assert [fault["name"] for fault in index["faults"]] == [fault.name for fault in CATALOG]
    assert {"says", "at", "takes", "default", "paid", "label"} <= set(index["faults"][0])
    assert "POST /-/faults" in index["desk"]


def test_the_ledger_as_json_is_the_ledger() -> None:
    caller = Caller()
    caller.fetch(caller.url(caller.made("[[missing:0]]")))
    assert msgspec.json.decode(caller.desk("GET", "ledger").body, type=Ledger) == caller.sandbox.ledger


def test_ordered_faults_meet_the_next_creates_only() -> None:
    caller = Caller()
    told(caller, "POST", "faults", {"faults": ["fail:ordered"], "creates": 2})
    tasks = [caller.made() for _ in range(3)]
    ends = [caller.ended(task_id).status for task_id in tasks]
    assert ends == [Status.FAILED, Status.FAILED, Status.SUCCEEDED]


def test_ordered_faults_come_beside_those_of_the_prompt() -> None:
    caller = Caller()
    told(caller, "POST", "faults", {"faults": ["no-url"]})
    task_id = caller.made("[[missing:1]]")
    assert set(caller.sandbox.ledger.task(task_id).faults) == {"missing", "no-url"}


def test_an_order_is_replaced_by_the_next() -> None:
    caller = Caller()
    told(caller, "POST", "faults", {"faults": ["fail"], "creates": 9})
    told(caller, "POST", "faults", {"faults": []})
    assert caller.ended(caller.made()).status is Status.SUCCEEDED


def test_a_create_that_was_refused_by_order_passes_when_it_is_sent_again() -> None:
    caller = Caller()
    told(caller, "POST", "faults", {"faults": ["rate-limit:1"]})
    assert [caller.create().status for _ in range(2)] == [429, 200]


def test_a_job_is_put_somewhere_by_hand() -> None:
    caller = Caller()
    task_id = caller.made()
    entry = told(caller, "POST", f"jobs/acme/{task_id}", {"status": "failed", "reason": "by hand"})
    assert (entry["task_id"], entry["status"]) == (task_id, "failed")
    observed = caller.poll(task_id)
    assert observed.failure is not None
    assert observed.failure.message == "by hand"


def test_a_job_is_given_faults_while_it_runs() -> None:
    caller = Caller()
    task_id = caller.made()
    told(caller, "POST", f"jobs/acme/{task_id}", {"faults": ["server-error:1"]})
    assert [caller.retrieve(task_id).status for _ in range(2)] == [500, 200]


def test_reset_forgets_everything() -> None:
    caller = Caller()
    caller.fetch(caller.url(caller.made()), ("Authorization", "Bearer good-key"))
    told(caller, "POST", "faults", {"faults": ["fail"]})
    told(caller, "POST", "reset")
    ledger = caller.sandbox.ledger
    assert (ledger.creates, ledger.keys_at_links, ledger.tasks, ledger.calls) == (0, 0, (), ())
    assert caller.ended(caller.made()).status is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("place", "document", "status", "complaint"),
    [
        ("faults", {"faults": ["nonsense"]}, 400, "no fault 'nonsense'"),
        ("faults", {"fault": "fail"}, 400, "unknown field"),
        ("faults", None, 400, "Expected"),
        ("jobs/acme/1", {"status": "failed"}, 404, "no job '1'"),
        ("jobs/nobody/1", {}, 404, "no job"),
        ("jobs/acme/1", {"status": "lost"}, 400, "missing"),
        ("jobs/acme/1", {"status": "done"}, 400, "Invalid enum value"),
        ("nowhere", {}, 404, "GET /-/"),
    ],
)
def test_a_wrong_order_is_told_so(place: str, document: Any, status: int, complaint: str) -> None:
    answer = Caller().desk("POST", place, document)
    assert answer.status == status
    assert complaint in msgspec.json.decode(answer.body)["error"]


def test_a_body_that_is_no_json_is_told_so() -> None:
    assert Caller().send("POST", "/-/faults").status == 400
