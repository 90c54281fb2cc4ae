"""Changes of tasks in SQL, a batch in one statement: the task, its events, its results and its next turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from reelway.ledger.codec import dump
from reelway.ledger.records import Change, Settled, Settlement, chore_of
from reelway_postgres.database import Values, array
from reelway_postgres.entries import WRITING_HISTORY, event_values, searchable
from reelway_postgres.schedule import HORIZON

_CHANGES: Final = """
    unnest(%(numbers)s::bigint[], %(expected)s::bigint[], %(statuses)s::text[], %(artifacts)s::text[],
        %(tasks)s::bytea[], %(chores)s::text[]
"""

# Everybody locks the rows of the schedule first, and in one order, so that nobody waits in a circle.
_WRITTEN: Final = f"""
    changed as (
        update our.entries e
        set status = w.status, artifact = w.artifact, revision = e.revision + 1, task = w.task
        from wanted w
        where e.number = w.number and e.revision = w.expected
        returning e.number, e.revision
    ),
    writing as materialized (select {WRITING_HISTORY}),
    remembered as (
        insert into our.events (number, revision, event, untold)
        select number, c.revision, h.event, h.untold
        from writing, unnest(%(event_numbers)s::bigint[], %(events)s::bytea[], %(untold)s::boolean[])
            with ordinality as h (number, event, untold, place) join changed c using (number)
        order by h.place
    ),
    stored as (
        insert into our.results (number, variant, result)
        select number, r.variant, r.result
        from unnest(%(result_numbers)s::bigint[], %(variants)s::text[], %(results)s::bytea[])
            as r (number, variant, result) join changed using (number)
        on conflict (number, variant) do update set result = excluded.result
    )
"""  # noqa: S608 - made of constants

SAVE: Final = f"""
    with wanted as materialized (
        select w.*, s.chore as was
        from {_CHANGES}) as w (number, expected, status, artifact, task, chore) join our.schedule s using (number)
        order by number
        for update of s
    ),
    {_WRITTEN},
    turned as (
        update our.schedule s set chore = w.chore, due = clock_timestamp(), interval = 0, failures = 0
        from wanted w join changed using (number)
        where s.number = w.number and w.chore is distinct from w.was
    )
    select number from changed
"""  # noqa: S608 - made of constants

# What was leased to somebody else since then falls out in `wanted`. Other work than was claimed begins anew,
# and is due at once; what somebody has woken or changed meanwhile waits for the rest alone.
SETTLE: Final = f"""
    with wanted as materialized (
        select w.*, s.chore as was, s.woken
        from {_CHANGES}, %(leases)s::bigint[], %(again)s::float8[], %(rests)s::float8[], %(intervals)s::float8[],
            %(failures)s::integer[], %(turns)s::text[]) as w (number, expected, status, artifact, task, chore,
            lease, again, rest, interval, failures, turn) join our.schedule s using (number)
        where s.lease = w.lease
        order by number
        for update of s
    ),
    {_WRITTEN},
    settled as materialized (
        select w.*, w.task is not null and c.number is null as overtaken, next,
            next is not distinct from w.turn as same
        from wanted w left join changed c using (number),
            lateral (select case when c.number is null then w.was else w.chore end as next) n
    ),
    freed as (
        update our.schedule s
        set leased_until = '-infinity', woken = false, chore = t.next,
            interval = case when t.same then t.interval else 0 end,
            failures = case when t.same then t.failures else 0 end,
            rest_until = clock_timestamp() + make_interval(secs => t.rest),
            due = clock_timestamp() + make_interval(secs => case
                when not t.same then 0
                when t.woken or t.overtaken then t.rest
                else greatest(t.again, t.rest)
            end)
        from settled t
        where s.number = t.number
    )
    select number, overtaken from settled
"""  # noqa: S608 - made of constants


def change_values(numbers: Sequence[int], changes: Sequence[Change | None]) -> Values:
    """The arrays of a batch of changes; entries without one have nothing in their places."""
    made = [change for change in changes if change]
    events = [(change.number, event) for change in made for event in change.events]
    results = {(change.number, result.variant): dump(result) for change in made for result in change.results}
    return {
        "numbers": array(numbers),
        "expected": array(None if change is None else change.expected for change in changes),
        "statuses": array(None if change is None else change.task.status for change in changes),
        "artifacts": array(None if change is None else change.task.artifact for change in changes),
        "tasks": [None if change is None else dump(change.task) for change in changes],
        "chores": array(None if change is None else chore_of(change.task) for change in changes),
        "event_numbers": array(number for number, _ in events),
        **event_values([event for _, event in events]),
        "result_numbers": array(number for number, _ in results),
        "variants": [searchable(variant) for _, variant in results],
        "results": [*results.values()],
    }


def settlement_values(settlements: Sequence[Settlement]) -> Values:
    """The arrays of a batch of settlements."""
    numbers = [settlement.claim.entry.number for settlement in settlements]
    return {
        **change_values(numbers, [settlement.change for settlement in settlements]),
        "turns": array(settlement.claim.chore for settlement in settlements),
        "leases": array(settlement.claim.lease for settlement in settlements),
        "again": array(min(settlement.again, HORIZON) for settlement in settlements),
        "rests": array(min(settlement.rest, HORIZON) for settlement in settlements),
        "intervals": array(settlement.interval for settlement in settlements),
        "failures": array(settlement.failures for settlement in settlements),
    }


def settled(overtaken: bool | None) -> Settled:  # noqa: FBT001 - a column of the answer
    """What became of a settlement, by its row in the answer; None where it has none."""
    if overtaken is None:
        return Settled.LATE
    return Settled.OVERTAKEN if overtaken else Settled.DONE


def in_turns(numbers: Sequence[int]) -> list[list[int]]:
    """The places of a batch, in as few groups as hold each entry once: one statement sees an entry as it was."""
    groups: list[list[int]] = []
    seen = Counter[int]()
    for place, number in enumerate(numbers):
        if seen[number] == len(groups):
            groups.append([])
        groups[seen[number]].append(place)
        seen[number] += 1
    return groups
