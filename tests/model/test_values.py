"""Values that the garbage collector need not look at: nothing that they hold leads back to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from msgspec import Struct
from msgspec.structs import fields

from reelway.flow import effects, follow
from reelway.ledger import records
from reelway.model import http, observation, task
from reelway.model.secret import Secret
from reelway.tracker import work

MADE_BY_A_POLL = [
    *(effects.Instant, effects.Now, effects.Send, effects.Sighting, effects.Observe, follow.Answer),
    *(http.HttpRequest, http.HttpResponse, observation.Observation, observation.Video, observation.Failure),
    *(task.Task, task.TaskRef, work.Turn),
    *(records.Entry, records.Claim, records.Settlement, records.Change),
]

LEAVES = (str, bytes, bool, int, float, datetime, Enum, NoneType, Secret)

AS_JSON_GIVES_IT = Mapping[str, Any]
"""Metadata, which are checked to be what JSON can hold, and so to end somewhere."""


@pytest.mark.parametrize("value", MADE_BY_A_POLL)
def test_what_a_poll_makes_is_no_work_for_the_garbage_collector(value: type[Struct]) -> None:
    """A tracker holds thousands of them at once, and looking through them took a tenth of its time."""
    assert value.__struct_config__.gc is False


@pytest.mark.parametrize("value", MADE_BY_A_POLL)
def test_what_the_collector_does_not_look_at_leads_to_values_only(value: type[Struct]) -> None:
    assert not [kind for kind in _reached(value, set()) if not _harmless(kind)]


def _reached(value: type[Struct], seen: set[Any]) -> set[Any]:
    """The types of all that a value may lead to, however far away."""
    for kind in (kind for field in fields(value) for kind in _kinds(field.type)):
        if kind not in seen:
            seen.add(kind)
            if isinstance(kind, type) and issubclass(kind, Struct):
                _reached(kind, seen)
    return seen


def _kinds(hint: Any) -> Iterator[Any]:
    """The types that a field may hold, those in its tuples included."""
    if get_origin(hint) is Annotated:
        hint = hint.__origin__
    if get_origin(hint) in {Union, UnionType, tuple, frozenset}:
        for inner in get_args(hint):
            yield from _kinds(inner)
    elif hint is not Ellipsis:
        yield hint


def _harmless(kind: Any) -> bool:
    if not isinstance(kind, type):
        return bool(kind == AS_JSON_GIVES_IT)
    return issubclass(kind, LEAVES) or (issubclass(kind, Struct) and kind.__struct_config__.frozen)
