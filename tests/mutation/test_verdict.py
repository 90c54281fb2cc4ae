"""A run of mutants fails for everything that would make its figures worth less than they look."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest

from tests.mutation.mutants import NOT_RUN, Mutant, change
from tests.mutation.targets import ROOT, Survivor, path_of, survivors, targets
from tests.mutation.verdict import Measured, as_listed, problems, table


def mutant(number: int, module: str = "acme.words") -> Mutant:
    return Mutant(
        name=f"{module}.fold__{number}",
        module=module,
        where=f"{module}.fold",
        was="return word.strip()",
        now=f"return word.strip({number})",
    )


def measured(*outcomes: str, modules: tuple[str, ...] = ("acme.words",), **changed: Any) -> Measured:
    mutants = tuple(map(mutant, range(len(outcomes))))
    told = {one.name: outcome for one, outcome in zip(mutants, outcomes, strict=True)}
    facts: dict[str, Any] = {"target": "words", "mutants": mutants, "outcomes": told, "seconds": 90.0} | changed
    return Measured(modules=modules, **facts)


def listed(*numbers: int) -> Survivor:
    first = mutant(0)
    return Survivor(where=first.where, was=first.was, now=tuple(mutant(n).now for n in numbers), reason="equal")


TWENTY = ["killed"] * 20


def test_a_run_in_which_all_are_noticed_has_no_problems() -> None:
    assert list(problems(measured(*TWENTY, "timeout"), ())) == []


def test_listed_survivors_are_no_problem() -> None:
    assert list(problems(measured("survived", "survived", *TWENTY), [listed(0, 1)])) == []


def test_a_survivor_that_is_not_listed_is_told_as_the_list_wants_it() -> None:
    [problem] = problems(measured("survived", *TWENTY), ())
    head, _, rows = problem.partition("\n")
    assert head == "survived, and not listed:"
    assert tomllib.loads(rows) == {
        "where": "acme.words.fold",
        "was": "return word.strip()",
        "now": ["return word.strip(0)"],
        "reason": "",
    }


@pytest.mark.parametrize("text", ["'a'", '"a"', "b'\\x00'", "''''''", "r'\\s'"])
def test_every_survivor_can_be_copied_into_the_list(text: str) -> None:
    alive = msgspec.structs.replace(mutant(0), was=text, now=f"x = {text} or y")
    rows = tomllib.loads(as_listed(alive))
    assert (rows["was"], rows["now"]) == (alive.was, [alive.now])


@pytest.mark.parametrize("outcome", ["suspicious", "segfault", "a word of a later release"])
def test_what_the_tool_cannot_judge_is_not_noticed(outcome: str) -> None:
    [problem] = problems(measured(outcome, *TWENTY), ())
    assert problem.startswith(f"{outcome}, and not listed")


@pytest.mark.parametrize("outcome", sorted(NOT_RUN))
def test_a_mutant_that_did_not_run_fails_the_run(outcome: str) -> None:
    assert list(problems(measured(outcome, *TWENTY), [])) == [f"did not run ({outcome}): acme.words.fold__0"]


def test_a_mutant_of_which_nothing_is_told_did_not_run() -> None:
    run = measured("killed", outcomes={})
    assert next(problems(run, [])) == "did not run (not checked): acme.words.fold__0"


def test_too_many_listed_survivors_fail_the_run() -> None:
    few = measured(*["survived"] * 2, *["killed"] * 17)
    assert list(problems(few, [listed(0, 1)])) == ["only 89.5% were noticed, and 90% have to be"]
    assert list(problems(measured(*["survived"] * 2, *["killed"] * 18), [listed(0, 1)])) == []


@pytest.mark.parametrize("outcomes", [TWENTY, ["timeout", *TWENTY]])
def test_a_listed_survivor_that_no_longer_survives_has_to_leave_the_list(outcomes: list[str]) -> None:
    [problem] = problems(measured(*outcomes), [listed(0)])
    assert problem.startswith("listed, but it does not survive or does not exist any more: acme.words.fold")


def test_a_module_in_which_nothing_was_changed_fails_the_run() -> None:
    modules = ("acme.words", "acme.tables")
    assert list(problems(measured(*TWENTY, modules=modules), ())) == ["nothing in acme.tables was changed"]


def test_the_table_counts_what_was_made_what_ran_and_what_was_noticed() -> None:
    run = measured("survived", "timeout", "no tests", "suspicious", *["killed"] * 6)
    cells = [cell.strip() for cell in table([run]).splitlines()[-1].strip("|").split("|")]
    assert cells == ["words", "10", "9", "7", "1", "2", "70.0%", "1.5"]


def test_a_change_is_told_by_its_lines() -> None:
    before = "def f(a):\n    if a:\n        return 1\n    return 2\n"
    assert change(before, before.replace("1", "2")) == ("return 1", "return 2")
    assert change(before, before.replace("    return 2\n", "")) == ("return 2", "")


def test_a_survivor_needs_a_reason() -> None:
    with pytest.raises(msgspec.ValidationError, match="reason"):
        msgspec.convert({"where": "a", "was": "b", "now": ["c"], "reason": ""}, Survivor)


def test_the_tables_name_what_exists() -> None:
    known = targets()
    assert survivors().keys() <= known.keys()
    for target in known.values():
        assert all(path_of(module) for module in target.modules)
        files = (path.partition("::")[0] for path in target.tests)
        assert [file for file in files if not (ROOT / file).exists()] == []


def test_no_survivor_is_listed_twice() -> None:
    for rows in survivors().values():
        readings = [(row.where, row.was, now) for row in rows for now in row.now]
        assert len(set(readings)) == len(readings)
