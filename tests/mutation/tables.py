"""Mutants of what stands outside of functions, the tables above all, and of decorated functions.

mutmut leaves both alone: it changes functions, and calls them through a function of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from tests.mutation.edits import Edit, Module, edits, marked
from tests.mutation.mutants import Mutant, change

MUTMUTS: Final = frozenset({"staticmethod", "classmethod"})
"""A function with one of these decorators is changed by mutmut, with any other it is not."""


def mutants_of(name: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module that mutmut does not make."""
    module = Module(source)
    for place, edit in chain(_of_body(module, module.tree.body), _of_texts(module)):
        changed = module.with_edit(edit)
        compile(changed, name, "exec", dont_inherit=True)
        was, now = change(source, changed)
        told = f"{name}.{place} [{edit.start}:{edit.end}] {edit.text}"
        yield Mutant(name=told, module=name, where=f"{name}.{place}", was=was, now=now, source=changed)


def is_ours(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether mutmut leaves a function alone."""
    decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
    return bool(decorators) and not (len(decorators) == 1 and decorators[0] in MUTMUTS)


def _of_body(module: Module, body: Iterable[ast.stmt], within: str = "") -> Iterator[tuple[str, Edit]]:
    for statement in body:
        match statement:
            case ast.ClassDef():
                yield from _of_body(module, statement.body, f"{within}{statement.name}.")
            case ast.FunctionDef() | ast.AsyncFunctionDef() if is_ours(statement):
                inside = chain.from_iterable(edits(module, one) for one in statement.body)
                yield from ((f"{within}{statement.name}", edit) for edit in inside)
            case ast.Assign() | ast.AnnAssign():
                for target, value in _named([statement]):
                    yield from ((f"{within}{target}", edit) for edit in edits(module, value))
            case _:
                pass


def _of_texts(module: Module) -> Iterator[tuple[str, Edit]]:
    """Changes of texts that have a name; those in a class are members of an enumeration, told by their names."""
    for target, value in _named(module.tree.body):
        yield from ((target, edit) for edit in marked(module, value))


def _named(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """What is given a name, but types."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                if "TypeAlias" not in ast.unparse(statement.annotation):
                    yield name, value
            case _:
                pass
