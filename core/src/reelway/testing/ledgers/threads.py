"""The contract of ledgers: many threads use one at once."""

from __future__ import annotations

from functools import partial
from threading import Lock

from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import Settled
from reelway.testing.ledgers.kit import (
    Kit,
    at_once,
    further,
    held,
    last_position,
    new_account,
    new_task,
    settle,
    take,
)

ROUNDS = 12


class Threads(Kit):
    """However many work at once, nothing is taken twice, and nothing that was written is lost."""

    def test_nothing_is_held_twice_and_no_turn_is_lost(self, ledger: Ledger, beside: Ledger) -> None:
        account, under_way, lock = new_account(), set[int](), Lock()
        tasks = [new_task(account) for _ in range(20)]
        for task in tasks:
            ledger.track(task)
        mark = last_position(ledger)

        def work(side: Ledger) -> int:
            turns = 0
            for _ in range(ROUNDS):
                for claim in take(side, account, limit=3):
                    with lock:
                        assert claim.entry.number not in under_way
                        under_way.add(claim.entry.number)
                    side.wake([claim.entry.number])
                    with lock:
                        under_way.remove(claim.entry.number)
                    assert settle(side, claim, further(claim.entry)) is Settled.DONE
                    turns += 1
                side.events(mark)
            return turns

        turns = sum(at_once([partial(work, side) for side in (ledger, beside) * 4]))
        assert turns
        assert sum(held(ledger, task).revision - 1 for task in tasks) == turns
        assert len(ledger.events(mark, 10**6)) == turns

    def test_whoever_is_overtaken_can_make_the_change_anew(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)

        def save(side: Ledger) -> int:
            return sum(sum(side.save([further(held(side, task))])) for _ in range(ROUNDS))

        def follow(side: Ledger) -> int:
            done = 0
            for _ in range(ROUNDS):
                for claim in take(side, account):
                    done += settle(side, claim, further(claim.entry)) is Settled.DONE
            return done

        saved = sum(at_once([partial(one, side) for side in (ledger, beside) for one in (save, follow)] * 2))
        entry = held(ledger, task)
        assert (entry.revision, entry.task) == (saved + 1, replace(task, setbacks=saved))
