"""The schedule in SQL: when an account's next turn is free, who takes which task, and when one is due."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import inf
from typing import Any, Final

from reelway.ledger.codec import unspelled
from reelway.ledger.pace import BURST_SECONDS
from reelway.ledger.records import AccountKey, Chore, Claim, Entry, chore_of
from reelway.model.task import Task
from reelway_postgres.database import Values
from reelway_postgres.entries import searchable

HORIZON: Final = 3600.0
"""Seconds; no pause and no lease is longer, as in a ledger on SQLite."""

_PACES: Final = """
    unnest(%(providers)s::text[], %(accounts)s::text[], %(gaps)s::float8[], %(slacks)s::float8[])
        as p (provider, account, gap, slack)
"""

# `asked` locks the accounts in one order; who waited there for another claimant sees what that one has spent, and
# the moment is read afterwards. `free` and `spent` are `granted` and `spent` of `reelway.ledger.pace`. What is
# leased or locked by others is passed over, so claimants do not wait for each other's tasks. The claim writes no
# column that stands in an index.
CLAIM: Final = f"""
    with asked as materialized (
        select a.id, a.free_at, a.held_until, p.gap, p.slack
        from our.accounts a join {_PACES} using (provider, account)
        order by a.id
        for no key update of a
    ),
    timed as materialized (select *, clock_timestamp() as moment from asked),
    begun as (
        select *, greatest(free_at, moment - make_interval(secs => slack)) as since
        from timed
    ),
    free as materialized (
        select id, gap, moment, since, held_until <= moment as polled, greatest(0, least(%(limit)s::float8, case
            when gap = 0 then %(limit)s::float8
            else floor(extract(epoch from moment - since)::float8 / gap + 1 + 1e-6)
        end))::bigint as turns
        from begun
    ),
    due as materialized (
        select s.*, f.moment, f.turns, row_number() over (partition by f.id order by s.due) as place
        from free f, unnest(%(chores)s::text[]) as c (chore), lateral (
            select number, account, due
            from our.schedule
            where account = f.id and chore = c.chore and due <= f.moment and leased_until <= f.moment
                and (f.polled or c.chore <> 'poll')
            order by due
            limit f.turns
            for update skip locked
        ) s
    ),
    taken as materialized (
        select number, account, moment from due where place <= turns order by due limit %(limit)s::bigint
    ),
    spent as (
        update our.accounts a
        set free_at = f.since + make_interval(secs => f.gap * t.turns)
        from free f join (select account, count(*) as turns from taken group by account) t on t.account = f.id
        where a.id = f.id and f.gap > 0
    ),
    claimed as (
        update our.schedule s
        set leased_until = t.moment + make_interval(secs => %(lease)s::float8), lease = s.lease + 1, woken = false
        from taken t
        where s.number = t.number
        returning s.*, t.moment
    )
    select number, chore, lease, extract(epoch from moment - known_since)::float8,
        extract(epoch from moment - due)::float8, interval, failures
    from claimed
    order by due
"""  # noqa: S608 - made of constants

# Where something is due and free, nothing else matters; where not, what is leased may be free sooner than what
# becomes due. The tasks that are leased are those at the front of the index, and they are few.
NEXT_DUE: Final = f"""
    select extract(epoch from min(greatest(first, case when c.chore = 'poll' then a.held_until end,
        case when p.gap > 0 then a.free_at end)) - statement_timestamp())::float8
    from our.accounts a
    join {_PACES} using (provider, account)
    cross join unnest(%(chores)s::text[]) as c (chore)
    cross join lateral (
        select (
            select due from our.schedule s
            where s.account = a.id and s.chore = c.chore and leased_until <= statement_timestamp()
            order by due
            limit 1
        ) as due
    ) free
    cross join lateral (
        select case when free.due <= statement_timestamp() then free.due else least(free.due, (
            select min(leased_until) from our.schedule s
            where s.account = a.id and s.chore = c.chore and due <= statement_timestamp()
                and leased_until > statement_timestamp()
        )) end as first
    ) soonest
    where first is not null
"""  # noqa: S608 - made of constants

BACKLOG: Final = """
    select a.provider, a.account, count(*)
    from our.schedule s join our.accounts a on a.id = s.account
    where s.chore = any(%(chores)s::text[])
    group by a.id
"""

ACCOUNT: Final = "select id from our.accounts where provider = %(provider)s and account = %(account)s"

NEW_ACCOUNT: Final = """
    insert into our.accounts (provider, account) values (%(provider)s, %(account)s) on conflict do nothing
"""

SCHEDULE: Final = """
    insert into our.schedule (number, account, chore, due, rest_until)
    select %(number)s, %(account)s, %(chore)s, moment, moment
    from (select clock_timestamp() + make_interval(secs => %(due_in)s::float8) as moment) m
"""

# A time that lies further ahead was written before the server's clock was set back.
TURNS_IN_REACH: Final = """
    update our.schedule s
    set due = least(due, moment), known_since = least(known_since, moment),
        rest_until = case when rest_until <= reach then rest_until else '-infinity' end,
        leased_until = case when leased_until <= reach then leased_until else '-infinity' end
    from (
        select clock_timestamp() as moment, clock_timestamp() + make_interval(secs => %(horizon)s::float8) as reach
    ) m
    where chore is not null and greatest(due, rest_until, leased_until) > reach
"""

ACCOUNTS_IN_REACH: Final = """
    update our.accounts
    set free_at = case when free_at <= reach then free_at else '-infinity' end,
        held_until = case when held_until <= reach then held_until else '-infinity' end
    from (select clock_timestamp() + make_interval(secs => %(horizon)s::float8) as reach) m
    where greatest(free_at, held_until) > reach
"""

POSTPONE: Final = """
    update our.schedule
    set leased_until = '-infinity', due = clock_timestamp() + make_interval(secs => %(seconds)s::float8)
    where number = any(%(numbers)s::bigint[])
"""

RENEW: Final = """
    update our.schedule set leased_until = clock_timestamp() + make_interval(secs => %(seconds)s::float8)
    where number = %(number)s and lease = %(lease)s and leased_until > '-infinity'
    returning number
"""

WAKE: Final = """
    with woken as materialized (
        select number from our.schedule where number = any(%(numbers)s::bigint[]) order by number for update
    )
    update our.schedule s set woken = true, due = least(s.due, greatest(statement_timestamp(), s.rest_until))
    from woken w where s.number = w.number
"""

HOLD_OFF: Final = """
    insert into our.accounts as a (provider, account, held_until)
    values (%(provider)s, %(account)s, clock_timestamp() + make_interval(secs => %(seconds)s::float8))
    on conflict (provider, account) do update set held_until = greatest(a.held_until, excluded.held_until)
"""


def pace_values(paces: Mapping[AccountKey, float], chores: Collection[Chore]) -> dict[str, object]:
    """Which accounts and what work: seconds between two turns of each, and for how long turns are saved up."""
    moving = {account: pace for account, pace in paces.items() if pace > 0}
    gaps = [0.0 if pace == inf else 1 / pace for pace in moving.values()]
    return {
        "providers": [searchable(provider) for provider, _ in moving],
        "accounts": [searchable(account) for _, account in moving],
        "gaps": gaps,
        "slacks": [max(0.0, BURST_SECONDS - gap) for gap in gaps],
        "chores": [chore.value for chore in chores],
    }


def backlog(rows: Iterable[Any]) -> dict[AccountKey, int]:
    """How much each account has left, from the rows."""
    return {(unspelled(provider), unspelled(account)): count for provider, account, count in rows}


def account_values(account: AccountKey) -> dict[str, object]:
    """The two parts of an account's name."""
    provider, name = account
    return {"provider": searchable(provider), "account": searchable(name)}


def first_turn(number: int, account: int, task: Task, due_in: float) -> Values:
    """When a task that is new here is due."""
    return {
        "number": number,
        "account": account,
        "chore": chore_of(task),
        "due_in": 0.0 if task.final else min(due_in, HORIZON),
    }


def claim(row: Any, entries: Mapping[int, Entry]) -> Claim:
    """A claim from its row."""
    number, chore, lease, age, late, interval, failures = row
    return Claim(
        entry=entries[number],
        chore=Chore(chore),
        lease=lease,
        age=age,
        late=late,
        interval=interval,
        failures=failures,
    )
