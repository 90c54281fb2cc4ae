"""Entries as rows: what is written beside the documents, and how they are read and searched."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import chain
from typing import Any, Final

import msgspec

from reelway.ledger.codec import dump, load, spelled
from reelway.ledger.records import Callback, Entry, KeptEvent, Query, to_be_told
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission
from reelway.model.task import StoredResult, Task
from reelway_postgres.database import Values

MOST: Final = 2**63 - 1

LONGEST: Final = 600
"""Bytes; two of such texts fit into the row of an index, which is a third of a page
(https://www.postgresql.org/docs/current/btree.html)."""

COLUMNS: Final = """
    e.number, e.submission, e.response, e.task, e.revision,
    array(select r.result from our.results r where r.number = e.number order by r.variant)
"""

WHOLE: Final = f"select {COLUMNS} from our.entries e where "  # noqa: S608 - made of constants
"""An entry with all that is held of it; a condition follows."""

BY_NUMBER: Final = f"{WHOLE} e.number = %(number)s"
BY_NUMBERS: Final = f"{WHOLE} e.number = any(%(numbers)s::bigint[])"
BY_REF: Final = f"{WHOLE} e.ref = %(ref)s"
BY_SUBMISSION: Final = f"{WHOLE} e.submission_id = %(id)s"
BY_CALLBACK: Final = f"{WHOLE} e.callback_digest = %(digest)s"
HOLDS_KEY: Final = "state not in ('rejected', 'abandoned')"
HOLDER_OF_KEY: Final = f"{WHOLE} e.idempotency_key = %(key)s and e.{HOLDS_KEY}"

# Whoever comes second waits here for the first, and then finds its attempt.
BEGIN: Final = """
    insert into our.entries
        (submission_id, provider, account, state, label, idempotency_key, callback_digest, begun_at, submission,
        response)
    values (%(id)s, %(provider)s, %(account)s, %(state)s, %(label)s, %(key)s, %(digest)s, %(at)s, %(submission)s,
        %(response)s)
    on conflict do nothing
    returning number
"""

_KEY_IS_TAKEN: Final = f"""
    exists (select from our.entries o where o.idempotency_key = %(key)s::text and o.submission_id <> %(id)s::text
        and o.{HOLDS_KEY})
"""

# A wish that has come true is not made once more: whoever proves to have created something has the key back from an
# attempt of which that is not known.
LET_GO: Final = """
    update our.entries set idempotency_key = null
    where idempotency_key = %(key)s::text and submission_id <> %(id)s::text
        and state in ('intent', 'sending', 'ambiguous')
"""

STANDS: Final = """
    select number from our.entries where submission_id = %(id)s and state = any(%(expected)s) for update
"""

# Of an attempt that proves to have created something after all, another may have taken the key over. Whether it
# still has its key is asked of its own row: of no other does a statement that waited for somebody see the change.
NOTE: Final = f"""
    update our.entries
    set state = %(state)s, submission = %(submission)s, response = %(response)s,
        idempotency_key = case when {_KEY_IS_TAKEN} then null else idempotency_key end
    where submission_id = %(id)s and state = any(%(expected)s)
        and (%(state)s <> 'sending' or idempotency_key is not distinct from %(key)s::text)
    returning number
"""  # noqa: S608 - made of constants

TASK_OF_ATTEMPT: Final = """
    update our.entries
    set ref = %(ref)s, status = %(status)s, artifact = %(artifact)s, revision = 1, task = %(task)s
    where submission_id = %(id)s and ref is null
    returning number
"""

TASK_AND_ATTEMPT: Final = f"""
    insert into our.entries
        (submission_id, ref, provider, account, state, status, artifact, label, idempotency_key, callback_digest,
        begun_at, revision, submission, response, task)
    select %(id)s, %(ref)s, %(provider)s, %(account)s, %(state)s, %(status)s, %(artifact)s, %(label)s,
        case when {_KEY_IS_TAKEN} then null else %(key)s end, %(digest)s, %(at)s, 1, %(submission)s, %(response)s,
        %(task)s
    on conflict (submission_id) do nothing
    returning number
"""

TAKE_IN: Final = """
    insert into our.entries (ref, provider, account, status, artifact, begun_at, revision, task)
    values (%(ref)s, %(provider)s, %(account)s, %(status)s, %(artifact)s, %(submitted_at)s, 1, %(task)s)
    on conflict (ref) do nothing
    returning number
"""

ATTACH: Final = (TASK_OF_ATTEMPT, TASK_AND_ATTEMPT, TAKE_IN)
"""How a task comes in that an attempt has made, the first that can: into the attempt's entry; with an attempt that
nobody put on record; by itself, where the attempt has another task already."""

# A reader of the history waits for all writers that hold this lock, so that no earlier position appears behind it.
WRITING_HISTORY: Final = "pg_advisory_xact_lock_shared(hashtextextended('our.events', 0))"
READING_HISTORY: Final = "select pg_advisory_xact_lock(hashtextextended('our.events', 0))"

REMEMBER: Final = f"""
    with writing as materialized (select {WRITING_HISTORY})
    insert into our.events (number, revision, event, untold)
    select %(number)s, 1, event, untold
    from writing, unnest(%(events)s::bytea[], %(untold)s::boolean[]) with ordinality as told (event, untold, place)
    order by place
"""  # noqa: S608 - made of constants

_KEPT_EVENT: Final = "select position, number, revision, event from our.events"
HISTORY: Final = f"{_KEPT_EVENT} where position > %(after)s order by position limit %(limit)s"
UNTOLD: Final = f"{_KEPT_EVENT} where untold order by position limit %(limit)s"
TOLD: Final = "update our.events set untold = false where position = any(%(positions)s::bigint[]) and untold"

# Always in the same order, so that no two receivers wait for each other.
LOCK_ADDRESSES: Final = """
    select pg_advisory_xact_lock(hashtextextended('our.callbacks', number))
    from (select distinct number from unnest(%(numbers)s::bigint[]) as c (number) order by number) as addresses
"""

DELIVERED: Final = """
    select number, count(*), sum(octet_length(headers) + octet_length(body))::bigint
    from our.callbacks where number = any(%(numbers)s::bigint[]) group by number
"""

KNOWN: Final = """
    select number, digest from our.callbacks
    join unnest(%(numbers)s::bigint[], %(digests)s::bytea[]) as c (number, digest) using (number, digest)
"""

KEEP: Final = """
    insert into our.callbacks (number, digest, received_at, headers, body)
    select number, digest, received_at, headers, body
    from unnest(%(numbers)s::bigint[], %(digests)s::bytea[], %(times)s::timestamptz[], %(headers)s::bytea[],
        %(bodies)s::bytea[], %(new)s::boolean[]) with ordinality
        as c (number, digest, received_at, headers, body, new, place)
    where new
    order by place
"""

CALLBACKS: Final = """
    select received_at, headers, body from our.callbacks where number = %(number)s order by position
"""

_UNFINISHED: Final = """
    (e.state in ('intent', 'sending', 'ambiguous')
        or exists (select from our.schedule s where s.number = e.number and s.chore is not null))
"""

_CONDITIONS: Final = {
    "statuses": "e.status = any(%(statuses)s)",
    "states": "e.state = any(%(states)s)",
    "artifacts": "e.artifact = any(%(artifacts)s)",
    "provider": "e.provider = %(provider)s",
    "account": "e.account = %(account)s",
    "label": "e.label = %(label)s",
    "unfinished": _UNFINISHED,
}
"""What each field of a query asks for, where it is given."""


def searchable(text: str | None) -> str | None:
    """A text for a column in which it is looked up: one of its own for each, and short enough for an index."""
    written = spelled(text)
    if written is None or len(written.encode()) <= LONGEST:
        return written
    # No spelling has a word behind its backslash, so this is nobody else's.
    return rf"{written[:100]}\sha256:{sha256(written.encode()).hexdigest()}"


def within(number: int) -> int:
    """A limit or a position as PostgreSQL takes it."""
    return max(0, min(number, MOST))


def read(row: Sequence[Any]) -> Entry:
    """An entry from its row."""
    number, submission, response, task, revision, results = row
    return Entry(
        number=number,
        submission=None if submission is None else _with_response(load(submission, Submission), response),
        task=None if task is None else load(task, Task),
        revision=revision,
        results=tuple(load(result, StoredResult) for result in results),
    )


def _with_response(submission: Submission, response: bytes | None) -> Submission:
    return submission if response is None else msgspec.structs.replace(submission, response=response)


def submission_values(submission: Submission) -> dict[str, object]:
    """What is written of an attempt."""
    return {
        "id": searchable(submission.id),
        "provider": searchable(submission.provider),
        "account": searchable(submission.account),
        "state": submission.state.value,
        "label": searchable(submission.label),
        "key": searchable(submission.idempotency_key),
        "digest": submission.callback_digest,
        "at": submission.at,
        # An answer may be long, and any bytes.
        "submission": dump(msgspec.structs.replace(submission, response=None)),
        "response": submission.response,
    }


def task_values(task: Task) -> dict[str, object]:
    """What is written of a task."""
    return {
        "ref": searchable(str(task.ref)),
        "provider": searchable(task.ref.provider),
        "account": searchable(task.ref.account),
        "status": task.status.value,
        "artifact": task.artifact.value,
        "submitted_at": task.submitted_at,
        "task": dump(task),
    }


def event_values(events: Sequence[Event]) -> dict[str, list[Any]]:
    """What is written of events."""
    return {"events": [dump(event) for event in events], "untold": [to_be_told(event) for event in events]}


def kept_event(row: Sequence[Any]) -> KeptEvent:
    """An event of the history from its row."""
    position, number, revision, event = row
    return KeptEvent(position=position, number=number, revision=revision, event=load(event, Event))  # type: ignore[arg-type] # a union is no type to mypy


def callback_values(callbacks: Sequence[Callback]) -> dict[str, list[Any]]:
    """The arrays of a batch of deliveries."""
    headers = [dump(callback.headers) for callback in callbacks]
    return {
        "numbers": [callback.number for callback in callbacks],
        "digests": [sha256(callback.body).digest() for callback in callbacks],
        "times": [callback.received_at for callback in callbacks],
        "headers": headers,
        "bodies": [callback.body for callback in callbacks],
        "sizes": [len(one) + len(callback.body) for one, callback in zip(headers, callbacks, strict=True)],
    }


def search(query: Query) -> tuple[str, Values]:
    """The statement and its values that a query stands for."""
    values = {
        "statuses": sorted(query.statuses),
        "states": sorted(query.states),
        "artifacts": sorted(query.artifacts),
        "provider": searchable(query.provider),
        "account": searchable(query.account),
        "label": searchable(query.label),
        "after": within(query.after),
        "limit": within(query.limit),
    }
    asked = (condition for field, condition in _CONDITIONS.items() if getattr(query, field) not in _NOT_ASKED)
    order, behind = ("desc", "<") if query.newest_first else ("asc", ">")
    page = (f"e.number {behind} %(after)s",) if query.after else ()
    conditions = " and ".join(chain(("true",), asked, page))
    return f"{WHOLE} {conditions} order by e.number {order} limit %(limit)s", values


_NOT_ASKED: Final[tuple[object, ...]] = (None, False, frozenset())
