"""A process that begins others, one at a time: ``python -m tests.faults.child SETTING``.

It reads an order a line and forks, because starting Python anew takes longer than most processes live here. The
child does the work and tells what it has seen done; whoever forked it passes that on, kills it where its hour is
given by the clock, and says how it ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
import threading
import time
import traceback
from typing import Final

import msgspec

from reelway import Client, LedgerError
from reelway.ledgers import open_ledger
from reelway.tracker import Tracker, polling, storing, tracker
from tests.faults.plan import TIME, Order
from tests.faults.worker import LONGEST, PAUSE, Setting, Worker

LEASE: Final = 2.0
"""Seconds for which the dead hold what they had taken."""


def shorten_leases() -> None:
    """Nobody waits for half a minute here."""
    polling.POLL_SECONDS = LEASE - 0.5  # type: ignore[misc] # a second request is not made here
    polling.Polling.lease = storing.Storing.lease = LEASE
    tracker.LEDGER_PAUSE = PAUSE  # type: ignore[misc]
    storing.FIRST_PAUSE = storing.LONGEST_PAUSE = PAUSE  # type: ignore[misc]


async def load_everything(setting: Setting) -> None:
    """Use what is loaded when it is first used, so that each child is forked together with it."""
    with open_ledger(setting.ledger) as ledger, Client(setting.account, ledger=ledger):
        async with Tracker(ledger, setting.account, download_to=setting.to):
            pass


def forked(setting: Setting, order: Order) -> tuple[int, int]:
    """A child, and where it is heard."""
    ear, mouth = os.pipe()
    if child := os.fork():
        os.close(mouth)
        return child, ear
    code = 1
    try:
        os.close(ear)
        Worker(setting, order, mouth).run()
        code = 0
    except LedgerError as error:
        # A server may be killed under its hands; a file never is.
        if setting.ledger.startswith("sqlite:"):
            traceback.print_exc()
        else:
            os.write(mouth, f"trouble {type(error).__name__}\n".encode())
            code = 0
    except BaseException:  # noqa: BLE001 - nobody else would tell of it
        traceback.print_exc()
    finally:
        os._exit(code)


def watch(child: int, ear: int, strike_in: float | None) -> bytes:
    """Pass on what a child tells until it has ended; it is killed so many seconds after its work has begun."""
    heard = b""
    left = 2 * LONGEST
    hour = time.monotonic() + left
    while True:
        if not select.select([ear], [], [], max(0.0, left))[0]:
            os.kill(child, signal.SIGKILL)
            left = LONGEST
            continue
        if not (more := os.read(ear, 65_536)):
            return heard
        heard += more
        if strike_in is not None and b"begun\n" in heard:
            hour, strike_in = time.monotonic() + strike_in, None
        left = hour - time.monotonic()


def carried_out(setting: Setting, order: Order) -> bytes:
    """How the process of an order ended, and what it had told, as a line."""
    child, ear = forked(setting, order)
    strike = order.strike
    heard = watch(child, ear, strike.count / 1000 if strike and strike.place == TIME else None)
    os.close(ear)
    _, status = os.waitpid(child, 0)
    # A line that was cut off was not told.
    told = heard.decode().split("\n")[:-1]
    return msgspec.json.encode({"code": os.waitstatus_to_exitcode(status), "told": told}) + b"\n"


def main(setting: Setting) -> None:
    """Carry out orders."""
    shorten_leases()
    logging.getLogger("reelway").setLevel(logging.CRITICAL + 1)
    asyncio.run(load_everything(setting))
    assert threading.active_count() == 1, "who is forked has no threads"
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(carried_out(setting, msgspec.json.decode(line, type=Order)))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Setting))
