"""Statements with which a ledger is kept small and looked into."""

from __future__ import annotations

from typing import Final

PRUNE: Final = """
    with gone as (
        delete from our.entries e
        where begun_at < %(before)s and coalesce(state not in ('intent', 'sending', 'ambiguous'), true)
            and not exists (select from our.schedule s where s.number = e.number and s.chore is not null
                and s.chore is distinct from %(done)s::text)
        returning 1
    )
    select count(*) from gone
"""

CHECK: Final = """
    select 'entry ' || number || ' has a task that is never due'
    from our.entries e where task is not null and not exists (select from our.schedule s where s.number = e.number)
    union all
    select 'entry ' || number || ' belongs to no account'
    from our.schedule s where not exists (select from our.accounts a where a.id = s.account)
    union all
    select 'the index ' || indexrelid::regclass || ' is not valid'
    from pg_index where not indisvalid and indrelid = any(array[
        'our.entries', 'our.schedule', 'our.accounts', 'our.events', 'our.callbacks', 'our.results'
    ]::regclass[])
"""
