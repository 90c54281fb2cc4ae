"""Changes are made where mutmut makes none, each is another program, and each can be read as Python."""

from __future__ import annotations

from functools import cache

import pytest

from tests.mutation.functions import called_on_import
from tests.mutation.mutants import Mutant
from tests.mutation.tables import mutants_of
from tests.mutation.targets import path_of, targets

MODULES = sorted({module for target in targets().values() for module in target.modules})


@cache
def mutants(module: str) -> tuple[Mutant, ...]:
    return tuple(mutants_of(module, path_of(module).read_text()))


def changes(source: str) -> list[str]:
    return [mutant.now for mutant in mutants_of("acme", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'A = {"a": X, "b": Y}',
            ['A = { "b": Y}', 'A = {"a": X, }', 'A = {"a": Y, "b": Y}', 'A = {"a": X, "b": X}'],
        ),
        ("A = {**B, a: X}", ["A = { a: X}", "A = {**B, }"]),
        ("A = [x, y, z]", ["A = [ y, z]", "A = [x, z]", "A = [x, y, ]"]),
        ("A = (x, y)", ["A = (y,)", "A = (x,)"]),
        ("A = (x,)", ["A = ()"]),
        ("A = x, y", []),
        (
            "A = [(x, a), (y, a)]",
            ["A = [ (y, a)]", "A = [(x, a), ]", "A = [(y, a), (y, a)]", "A = [(x, a), (x, a)]"],
        ),
        ("A = f((x, y), z)", ["A = f((y,), z)", "A = f((x,), z)"]),
        ("A: dict[str, int] = B", []),
        ("A: TypeAlias = dict[str, Literal[1]]", []),
        ('T = TypeVar("T")', []),
        ("A: Final = 60.0", ["A: Final = 61.0"]),
        ("A = True", ["A = False"]),
        ('A = "text"', ['A = "XXtext"']),
        ('A = rb"text"', ['A = rb"XXtext"']),
        ('A = re.compile(r"a+")', ['A = re.compile(r"XXa+")']),
        ('A = f("text", path="text")', ['A = f("text", path="XXtext")']),
        ('A = f("10.0.0.0/8")', ['A = f("10.0.0.0/9")']),
        ('A = f("10.0.0.1/32")', []),
        ("A = x not in y", ["A = x in y"]),
        ("A = (x) is not (y)", ["A = (x) is (y)"]),
        ('A = lambda x: "@" in x', ['A = lambda x: "@" not in x', 'A = lambda x: "XX@" in x']),
        ("A = x and y and not z", ["A = x or y and not z", "A = x and y or not z", "A = x and y and (z)"]),
        ("A = X + Y", ["A = (X)", "A = (Y)"]),
        ("A = x * y", ["A = x / y"]),
        ("A = x if y else z", ["A = x if (not (y)) else z"]),
        ("import a\nfrom b import c\n'''Text.'''\n", []),
        ("def f(x):\n    return x < 1\n", []),
        ("class A(B, kw_only=True):\n    '''Text.'''\n    x: int = 1\n    y = 'text'\n", ["x: int = 2"]),
        ("class A:\n    @property\n    def f(self):\n        return x <= y\n", ["return x < y"]),
        ("class A:\n    @staticmethod\n    def f(self):\n        return x <= y\n", []),
    ],
)
def test_each_part_is_changed_in_the_ways_that_fit_it(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


def test_a_change_leaves_everything_else_as_it_is_written() -> None:
    source = "# ü\nA = {\n    'a': X,  # why\n    'b': Y,\n}\n\n\ndef f(): ...\n"
    [first, *_] = mutants_of("acme", source)
    assert first.source == source.replace("'a': X,", "")
    assert (first.where, first.was, first.now) == ("acme.A", "'a': X, # why", "# why")


@pytest.mark.parametrize("module", MODULES)
def test_every_change_is_another_program_with_a_name_of_its_own(module: str) -> None:
    made = mutants(module)
    assert path_of(module).read_text() not in {mutant.source for mutant in made}
    assert len({mutant.name for mutant in made}) == len(made)


def test_functions_that_build_a_table_are_called_on_import() -> None:
    source = "A = [row(1)]\nB = lambda: late()\n\n\nclass C:\n    d = built()\n\n\ndef f():\n    return late()\n"
    assert called_on_import(source) == {"row", "built"}


def test_the_tables_of_the_targets_are_changed() -> None:
    tables = {mutant.where.removeprefix(f"{module}.") for module in MODULES for mutant in mutants(module)}
    assert {"TRANSITIONS", "WORDS", "PRIVATE", "CLOSED", "CARRIERS", "VIDEO_MAGIC", "REFUSED_STATUSES"} <= tables
