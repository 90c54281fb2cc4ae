"""Everything that a ledger holds, as lines of JSON: to look at, to keep elsewhere, to take along."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from reelway.ledger.codec import plain
from reelway.ledger.records import Entry, KeptEvent, Query
from reelway.model.secret import Secret

if TYPE_CHECKING:
    from reelway.ledger.interface import Ledger

PAGE: Final = 200
"""Entries and events that are held in memory at once."""

HIDDEN: Final = Secret("…")


def exported(ledger: Ledger, *, links: bool) -> Iterator[dict[str, Any]]:
    """Each entry, followed by the deliveries that came for it; then the history. ``kind`` says what a line is.

    Args:
        ledger: what is exported.
        links: whether with result links, and with the raw answers and deliveries in which such links may stand.
            Without them, these are told by size and digest.
    """
    for entry in _entries(ledger):
        yield {"kind": "entry"} | _entry(entry, links=links)
        for callback in ledger.callbacks(entry.number):
            yield {"kind": "callback"} | plain(callback) | {"body": _raw(callback.body, links=links)}
    for event in _events(ledger):
        yield {"kind": "event"} | plain(event)


def _entries(ledger: Ledger) -> Iterator[Entry]:
    query = Query(limit=PAGE)
    while page := ledger.entries(query):
        yield from page
        query = replace(query, after=page[-1].number)


def _events(ledger: Ledger) -> Iterator[KeptEvent]:
    after = 0
    while page := ledger.events(after, PAGE):
        yield from page
        after = page[-1].position


def _entry(entry: Entry, *, links: bool) -> dict[str, Any]:
    submission, task = entry.submission, entry.task
    if task is not None and not links:
        entry = replace(entry, task=replace(task, videos=tuple(replace(one, url=HIDDEN) for one in task.videos)))
    shown: dict[str, Any] = plain(entry)
    if submission is not None:
        shown["submission"]["response"] = _raw(submission.response, links=links)
    return shown


def _raw(data: bytes | None, *, links: bool) -> dict[str, Any] | None:
    if data is None:
        return None
    told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return told | {"base64": b64encode(data).decode()} if links else told
