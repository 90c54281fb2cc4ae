"""How fast does a file come down, and does a large one take more memory than a small one?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from tests.benchmarks.downloaders import DOWNLOADERS
from tests.benchmarks.figures import Findings, Peer, Row, mebibytes
from tests.benchmarks.measure import MIB, Scale, child, in_turns, installed, middle

MEANING: Final = """\
**Downloading.** 200 MiB from loopback to a file. The baseline is `iter_bytes` of httpx written to a file as the
pieces come, and nothing else. Reelway besides checks what kind of file it is, computes a SHA-256, has the disk
confirm the bytes and only then gives the file its name; the row with digest and fsync is bare httpx that does the
same. What is done with a piece costs the same however long it is, and Reelway takes longer ones, which pays for the
rest. Over a network that is slower than this loopback the difference vanishes. Memory is how much higher the
process's peak is after the 200 MiB than after a first download of 8 MiB."""

SIZE: Final = 200 * MIB

LEAST: Final = 0.8
MOST_GROWTH: Final = 8 * MIB

BASELINES: Final = {"Client": "httpx.Client", "AsyncClient": "httpx.AsyncClient"}


class Fetched(Struct, frozen=True, kw_only=True):
    """What one download took: time, CPU, and memory beyond that of a small one."""

    seconds: float
    cpu: float
    growth: float

    @property
    def rate(self) -> float:
        return SIZE / MIB / self.seconds

    def __str__(self) -> str:
        return f"{self.rate:,.0f} MiB/s ({self.cpu:.2f} s CPU)"


def run(scale: Scale, url: str) -> Findings:
    names = [name for name, one in DOWNLOADERS.items() if installed(one.library)]
    turns = {name: partial(child, "download", name=name, url=f"{url}/0", size=SIZE) for name in names}
    found = in_turns(turns, scale.rounds)
    fetched = {name: Fetched(**middle(measured)) for name, measured in found.items()}
    rows = [row for pair in BASELINES.items() for row in (_speed(*pair, fetched), _weight(*pair, fetched))]
    others = [name for name in names if name not in {*BASELINES, *BASELINES.values()}]
    return Findings(tuple(rows), tuple(_peer(name, fetched) for name in others), MEANING)


def _speed(ours: str, bare: str, fetched: Mapping[str, Fetched]) -> Row:
    ratio = fetched[ours].rate / fetched[bare].rate
    return Row(
        figure=f"downloading 200 MiB, `{ours}`",
        ours=str(fetched[ours]),
        baseline=f"{fetched[bare]}, bare `{bare}`",
        ratio=ratio,
        goal=f"≥ {LEAST} ×",
        met=ratio >= LEAST,
    )


def _weight(ours: str, bare: str, fetched: Mapping[str, Fetched]) -> Row:
    growth = fetched[ours].growth
    return Row(
        figure=f"memory for that, `{ours}`",
        ours=mebibytes(growth),
        baseline=f"{mebibytes(fetched[bare].growth)}, bare `{bare}`",
        goal=f"≤ {mebibytes(MOST_GROWTH)} (constant)",
        met=growth <= MOST_GROWTH,
    )


def _peer(name: str, fetched: Mapping[str, Fetched]) -> Peer:
    value = f"{fetched[name]}, {mebibytes(fetched[name].growth)} more memory"
    return Peer("downloading 200 MiB", name, value, fetched[name].rate / fetched["httpx.Client"].rate)
