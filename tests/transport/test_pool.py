"""A connection serves one exchange at a time, the one used last comes first, and a dead one is never handed out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.transport.pool import Pool


class Fake:
    """A connection to a host, alive and idle unless said otherwise."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.expired = False
        self.idle = True

    def can_handle_request(self, origin: str) -> bool:
        return origin == self.origin

    def has_expired(self) -> bool:
        return self.expired

    def is_idle(self) -> bool:
        return self.idle


@pytest.fixture
def pool() -> Pool[Fake]:
    return Pool(Fake, keep=3)


def taken(pool: Pool[Fake], *origins: str) -> list[Fake]:
    return [pool.take(origin)[0] for origin in origins]


def test_the_connection_used_last_comes_first(pool: Pool[Fake]) -> None:
    first, second = taken(pool, "a", "a")
    assert pool.give_back(second) == []
    assert pool.give_back(first) == []
    assert taken(pool, "a", "a") == [first, second]


def test_a_connection_in_use_is_given_to_nobody_else(pool: Pool[Fake]) -> None:
    assert len(set(map(id, taken(pool, *"aaaa")))) == 4


def test_a_connection_serves_its_own_host_only(pool: Pool[Fake]) -> None:
    [one] = taken(pool, "a")
    pool.give_back(one)
    [other] = taken(pool, "b")
    assert (other.origin, other is one) == ("b", False)
    assert taken(pool, "a") == [one]


@pytest.mark.parametrize("fault", ["expired", "idle"])
def test_one_that_died_while_it_was_kept_is_to_be_closed(pool: Pool[Fake], fault: str) -> None:
    older, newer = taken(pool, "a", "a")
    pool.give_back(older)
    pool.give_back(newer)
    setattr(newer, fault, fault == "expired")
    assert pool.take("a") == (older, [newer])


def test_one_that_is_not_done_with_its_exchange_is_not_kept(pool: Pool[Fake]) -> None:
    [one] = taken(pool, "a")
    one.idle = False
    assert pool.give_back(one) == [one]
    assert taken(pool, "a") != [one]


def test_one_whose_exchange_broke_is_not_kept(pool: Pool[Fake]) -> None:
    [one] = taken(pool, "a")
    assert pool.drop(one) == [one]
    assert taken(pool, "a") != [one]


def test_no_more_are_kept_than_agreed_and_the_oldest_go_first(pool: Pool[Fake]) -> None:
    connections = taken(pool, *"abcde")
    closed = [one for connection in connections for one in pool.give_back(connection)]
    assert closed == connections[:2]


def test_what_nobody_has_used_for_long_goes_when_another_comes_back(pool: Pool[Fake]) -> None:
    old, new = taken(pool, "a", "b")
    pool.give_back(old)
    old.expired = True
    assert pool.give_back(new) == [old]


def test_where_none_are_kept_each_is_closed_after_its_exchange() -> None:
    pool = Pool(Fake, keep=0)
    [one] = taken(pool, "a")
    assert pool.give_back(one) == [one]


def test_emptying_closes_those_in_use_as_well(pool: Pool[Fake]) -> None:
    used, kept = taken(pool, "a", "b")
    pool.give_back(kept)
    assert pool.empty() == [kept, used]
    assert pool.empty() == []
    # It was still connecting, perhaps, and there was nothing to close yet.
    assert pool.give_back(used) == [used]
    assert taken(pool, "a") != [used]


@given(st.lists(st.tuples(st.sampled_from(["take", "back", "drop", "expire"]), st.integers(0, 9))))
def test_whatever_happens_each_connection_is_in_one_place(steps: list[tuple[str, int]]) -> None:
    pool, used, seen, closed = Pool(Fake, keep=2), list[Fake](), list[Fake](), list[Fake]()
    for step, number in steps:
        if step == "take":
            one, stale = pool.take("ab"[number % 2])
            assert one not in used + closed
            assert not one.expired
            used.append(one)
            seen.append(one)
            closed += stale
        elif step == "expire" and seen:
            seen[number % len(seen)].expired = True
        elif used and step in {"back", "drop"}:
            one = used.pop(number % len(used))
            closed += pool.give_back(one) if step == "back" else pool.drop(one)
    kept = [one for one in pool.empty() if one not in used]
    assert len(kept) <= 2
    assert len(closed) == len(set(map(id, closed)))
    assert set(map(id, seen)) == set(map(id, [*used, *kept, *closed]))


def test_threads_that_share_it_never_share_a_connection() -> None:
    pool, busy, clashes = Pool(Fake, keep=4), set[int](), list[Any]()

    def exchange(_: int) -> None:
        one, _stale = pool.take("a")
        if id(one) in busy:
            clashes.append(one)
        busy.add(id(one))
        busy.discard(id(one))
        pool.give_back(one)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(exchange, range(2000)))
    assert clashes == []
    assert len(pool.empty()) <= 4
