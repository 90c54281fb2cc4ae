"""The small changes that can be made to an expression, each as other text in one place of the module.

An entry of a table is left out, or takes the value of a neighbour; a network is halved; and the usual changes of
numbers, texts, comparisons and connectives. Every change gives a module that can be read as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

Display: TypeAlias = ast.List | ast.Set | ast.Tuple

TYPES: Final = frozenset({"TypeVar", "ParamSpec", "NewType"})
"""Calls that make a type; what stands in them is for type checkers."""

NETWORK: Final = re.compile(r"([0-9a-f.:]+)/([0-9]{1,3})")

QUOTE: Final = re.compile(r"[a-zA-Z]*(?:\"\"\"|'''|\"|')")

INSTEAD: Final[dict[type[ast.AST], str]] = {
    ast.And: "or",
    ast.Or: "and",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
"""What is written instead of an operator; for ``+``, which also joins tables, each side is left out."""


class Edit(NamedTuple):
    """Other text between two places of a module, counted in bytes."""

    start: int
    end: int
    text: str


class Module:
    """A module as it is written, so that a change leaves everything else as it is."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self._bytes = source.encode()
        lines = self._bytes.splitlines(keepends=True)
        self._starts = [sum(map(len, lines[:number])) for number in range(len(lines))]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where an expression begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr) -> str:
        start, end = self.span(node)
        return self._bytes[start:end].decode()

    def comma_after(self, end: int) -> int:
        """Where the comma behind an entry ends, or the entry itself if there is none."""
        found = re.compile(rb"\s*,").match(self._bytes, end)
        return found.end() if found else end

    def replaced(self, node: ast.expr, text: str) -> Edit:
        return Edit(*self.span(node), text)

    def between(self, left: ast.expr, right: ast.expr, text: str) -> Edit:
        """Other text between two operands; brackets around one of them stay."""
        start, end = self.span(left)[1], self.span(right)[0]
        found = re.search(rb"[^\s()]+(\s+(?=not|in)[^\s()]+)?", self._bytes[start:end])
        assert found, "operands have an operator between them"
        return Edit(start + found.start(), start + found.end(), text)

    def with_edit(self, edit: Edit) -> str:
        """The whole module with a change."""
        return (self._bytes[: edit.start] + edit.text.encode() + self._bytes[edit.end :]).decode()


def edits(module: Module, root: ast.AST) -> Iterator[Edit]:
    """Every change that can be made to what stands below ``root``."""
    nodes = list(_nodes(root))
    records = {id(part) for node in nodes for part in _parts(node) if isinstance(part, ast.Tuple)}
    for node in nodes:
        if id(node) not in records:
            yield from _left_out(module, node)
        for make in OPERATORS.get(type(node), ()):
            yield from make(module, node)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """An expression and all in it but types."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TYPES:
        return
    yield node
    typing = {"annotation", "returns", "slice"}
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        yield from chain.from_iterable(
            _nodes(child) for child in children if isinstance(child, ast.AST) and field not in typing
        )


def _parts(node: ast.AST) -> Sequence[ast.expr]:
    """The entries of a table; those of a dict are its keys."""
    if isinstance(node, ast.Dict):
        return [key or value for key, value in zip(node.keys, node.values, strict=True)]
    return node.elts if isinstance(node, Display) else ()


def _left_out(module: Module, node: ast.AST) -> Iterator[Edit]:
    parts = _parts(node)
    if isinstance(node, ast.Tuple) and (not isinstance(node.ctx, ast.Load) or module.text(node)[:1] != "("):
        return
    if isinstance(node, ast.Tuple) and len(parts) == 2:
        # Without its comma a tuple of one would be no tuple.
        yield from (module.replaced(node, f"({module.text(kept)},)") for kept in reversed(parts))
        return
    ends = node.values if isinstance(node, ast.Dict) else parts
    for part, last in zip(parts, ends, strict=True):
        start, end = module.span(part)[0], module.span(last)[1]
        if isinstance(node, ast.Dict) and part is last:
            start -= len("**")
        yield Edit(start, module.comma_after(end), "")


def _like_a_neighbour(module: Module, cells: Sequence[ast.expr]) -> Iterator[Edit]:
    """Each cell of a column as the next one that says something else."""
    texts = [module.text(cell) for cell in cells]
    for at, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        other = next((other for other in texts[at:] + texts[:at] if other != text), None)
        if other is not None:
            yield module.replaced(cell, other)


def _values(module: Module, node: ast.Dict) -> Iterator[Edit]:
    pairs = zip(node.keys, node.values, strict=True)
    yield from _like_a_neighbour(module, [value for key, value in pairs if key is not None])


def _columns(module: Module, node: Display) -> Iterator[Edit]:
    records = [part.elts for part in node.elts if isinstance(part, ast.Tuple)]
    if len(records) == len(node.elts) and len(set(map(len, records))) == 1:
        for column in zip(*records, strict=True):
            yield from _like_a_neighbour(module, column)


def _constant(module: Module, node: ast.Constant) -> Iterator[Edit]:
    match node.value:
        case bool():
            yield module.replaced(node, str(not node.value))
        case int() | float():
            yield module.replaced(node, repr(node.value + 1))
        case str() if found := NETWORK.fullmatch(node.value):
            if int(found[2]) < (128 if ":" in found[1] else 32):
                yield module.replaced(node, f'"{found[1]}/{int(found[2]) + 1}"')


def marked(module: Module, node: ast.expr) -> Iterator[Edit]:
    """A text that begins otherwise."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        found = QUOTE.match(module.text(node))
        assert found, "a text begins with a quote"
        at = module.span(node)[0] + found.end()
        yield Edit(at, at, "XX")


def _comparison(module: Module, node: ast.Compare) -> Iterator[Edit]:
    operands = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, operands, node.comparators, strict=False):
        yield module.between(left, right, INSTEAD[type(operator)])
    yield from chain.from_iterable(marked(module, operand) for operand in operands)


def _connective(module: Module, node: ast.BoolOp) -> Iterator[Edit]:
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield module.between(left, right, INSTEAD[type(node.op)])


def _negation(module: Module, node: ast.UnaryOp) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not):
        yield module.replaced(node, f"({module.text(node.operand)})")


def _sum(module: Module, node: ast.BinOp) -> Iterator[Edit]:
    if isinstance(node.op, ast.Add):
        yield from (module.replaced(node, f"({module.text(side)})") for side in (node.left, node.right))
    elif type(node.op) in INSTEAD:
        yield module.between(node.left, node.right, INSTEAD[type(node.op)])


def _condition(module: Module, node: ast.IfExp) -> Iterator[Edit]:
    yield module.replaced(node.test, f"(not ({module.text(node.test)}))")


def _arguments(module: Module, node: ast.Call) -> Iterator[Edit]:
    named = [keyword.value for keyword in node.keywords]
    patterns = node.args[:1] if ast.unparse(node.func) == "re.compile" else []
    yield from chain.from_iterable(marked(module, argument) for argument in [*named, *patterns])


OPERATORS: Final[dict[type[ast.AST], tuple[Callable[[Module, Any], Iterator[Edit]], ...]]] = {
    ast.Dict: (_values,),
    ast.List: (_columns,),
    ast.Set: (_columns,),
    ast.Tuple: (_columns,),
    ast.Constant: (_constant,),
    ast.Compare: (_comparison,),
    ast.BoolOp: (_connective,),
    ast.UnaryOp: (_negation,),
    ast.BinOp: (_sum,),
    ast.IfExp: (_condition,),
    ast.Call: (_arguments,),
}
