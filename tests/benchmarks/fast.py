"""How many more polls a second get through where they go over pyreqwest?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.figures import Findings, Peer, Row
from tests.benchmarks.following import DELAYS, TASKS, Followers, Pace, turn
from tests.benchmarks.measure import Scale, in_turns, installed, middle

MEANING: Final = """\
**A thousand tasks at once, over pyreqwest.** The same work as above, with the extra `fast` and `http="httpx2"`, so
that polls go over a client written in Rust. The baseline is bare httpx with as many workers as serve it best; the
other figures are Reelway's own without the extra. CPU is that of the whole process, the threads of pyreqwest
included."""

OURS: Final = Followers("reelway-fast", 0, "reelway, polls over pyreqwest")

BASELINE: Final[Mapping[int, tuple[Followers, ...]]] = {
    0: tuple(Followers("httpx", number, f"bare httpx, {number} at once") for number in (1, 5, 10)),
    50: tuple(Followers("httpx", number, f"bare httpx, {number} at once") for number in (10, 20, 50)),
}

PEERS: Final = (
    Followers("reelway", 0, "reelway, polls over httpx"),
    Followers("reelway-httpx2", 0, "reelway, polls over httpx2"),
)

LEAST: Final = 5.0


def run(scale: Scale, url: str) -> Findings:
    found = {delay: _paces(delay, scale, url) for delay in DELAYS}
    peers = tuple(peer for delay, paces in found.items() for peer in _peers(delay, paces))
    return Findings(tuple(_row(*one) for one in found.items()), peers, MEANING)


def _paces(delay: int, scale: Scale, url: str) -> dict[Followers, Pace]:
    ready = [one for one in (OURS, *BASELINE[delay], *PEERS) if installed(CONTENDERS[one.name].library)]
    turns = {one: partial(turn, one, f"{url}/{delay}", scale) for one in ready}
    return {one: Pace(**middle(measured)) for one, measured in in_turns(turns, scale.long_rounds).items()}


def _best(delay: int, found: Mapping[Followers, Pace]) -> Followers:
    return max(BASELINE[delay], key=lambda one: found[one].rate)


def _row(delay: int, found: Mapping[Followers, Pace]) -> Row:
    best = _best(delay, found)
    ratio = found[OURS].rate / found[best].rate
    return Row(
        figure=_figure(delay),
        ours=str(found[OURS]),
        baseline=f"{found[best]}, {best.label}",
        ratio=ratio,
        goal=f"≥ {LEAST} ×",
        met=ratio >= LEAST,
    )


def _peers(delay: int, found: Mapping[Followers, Pace]) -> list[Peer]:
    base = found[_best(delay, found)].rate
    return [
        Peer(_figure(delay), one.label, str(found[one]), found[one].rate / base) for one in PEERS if one in found
    ]


def _figure(delay: int) -> str:
    return f"polls a second over pyreqwest, {TASKS:,} tasks, {DELAYS[delay]}"
