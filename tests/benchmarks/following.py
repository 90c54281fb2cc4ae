"""How many polls a second get through when a thousand tasks are followed at once?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.figures import Findings, Peer, Row, mebibytes, milliseconds, per_second
from tests.benchmarks.measure import MIB, Scale, child, in_turns, installed, middle

MEANING: Final = """\
**A thousand tasks at once.** `AsyncClient.as_completed` over 1,000 unfinished tasks of one account, with its pace
and cadence set so that every task is always due: the polls a second are then what one process can do, counted by
the server. The baseline is bare httpx in a loop, with as many workers as serve it best, which is for its user to
find out: each exchange walks all connections of the pool, so that more at once soon means fewer a second. It is
measured twice, with answers that come at once and with answers that take 50 ms, as over a network; in the first
nothing is gained by asking for several things at once, in the second there is. Memory is the largest resident
size of the whole process, Python included."""

TASKS: Final = 1000
LEAST: Final = 0.9
MOST_MEMORY: Final = 120 * MIB

DELAYS: Final[Mapping[int, str]] = {0: "answers at once", 50: "answers after 50 ms"}


class Followers(Struct, frozen=True):
    """A contender and how many tasks it polls at once; 0 for all."""

    name: str
    at_once: int
    label: str


OURS: Final = Followers("reelway", 0, "reelway")

BASELINE: Final = tuple(Followers("httpx", number, f"{number} at once") for number in (1, 5, 10, 20, 50, 100))

PEERS: Final = (
    Followers("openai", 0, "openai, `videos.poll` for each"),
    Followers("openai", 20, "openai, `videos.retrieve`, 20 at once"),
    Followers("litellm", 0, "litellm, `avideo_status` for each"),
    Followers("litellm", 20, "litellm, `avideo_status`, 20 at once"),
    Followers("aiohttp", 50, "bare aiohttp, 50 at once"),
)


class Pace(Struct, frozen=True, kw_only=True):
    """Polls a second, CPU of each, and the most memory held."""

    rate: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{per_second(self.rate)} ({milliseconds(self.cpu)} CPU each)"


def run(scale: Scale, url: str) -> Findings:
    ready = [one for one in (OURS, *BASELINE, *PEERS) if installed(CONTENDERS[one.name].library)]
    paces = {delay: _paces(ready, f"{url}/{delay}", scale) for delay in DELAYS}
    memory = max(found[OURS].memory for found in paces.values())
    weight = Row(
        figure=f"memory while {TASKS:,} tasks are followed",
        ours=mebibytes(memory),
        goal=f"≤ {mebibytes(MOST_MEMORY)}",
        met=memory <= MOST_MEMORY,
    )
    peers = [peer for delay, found in paces.items() for peer in _peers(delay, found)]
    return Findings((*(_row(*one) for one in paces.items()), weight), tuple(peers), MEANING)


def _paces(ready: Sequence[Followers], url: str, scale: Scale) -> dict[Followers, Pace]:
    turns = {one: partial(turn, one, url, scale) for one in ready}
    found = in_turns(turns, scale.long_rounds)
    return {one: Pace(**middle(measured)) for one, measured in found.items()}


def turn(one: Followers, url: str, scale: Scale) -> dict[str, float]:
    """What following a thousand tasks costs a child process."""
    return child("follow", name=one.name, url=url, tasks=TASKS, at_once=one.at_once, seconds=scale.seconds)


def _row(delay: int, found: Mapping[Followers, Pace]) -> Row:
    best = _best(found)
    ratio = found[OURS].rate / found[best].rate
    return Row(
        figure=_figure(delay),
        ours=str(found[OURS]),
        baseline=f"{found[best]}, bare httpx, {best.label}",
        ratio=ratio,
        goal=f"≥ {LEAST} ×",
        met=ratio >= LEAST,
    )


def _peers(delay: int, found: Mapping[Followers, Pace]) -> list[Peer]:
    best = _best(found)
    others = [(one, one.label) for one in found if one in PEERS]
    slower = [(one, f"bare httpx, {one.label}") for one in BASELINE if one != best]
    return [_peer(delay, label, found[one], found[best]) for one, label in (*others, *slower)]


def _peer(delay: int, label: str, pace: Pace, best: Pace) -> Peer:
    return Peer(_figure(delay), label, f"{pace}, {mebibytes(pace.memory)}", pace.rate / best.rate)


def _best(found: Mapping[Followers, Pace]) -> Followers:
    return max(BASELINE, key=lambda one: found[one].rate)


def _figure(delay: int) -> str:
    return f"polls a second, {TASKS:,} tasks, {DELAYS[delay]}"
