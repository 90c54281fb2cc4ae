"""How fast does a file come down, and does a large one take more memory than a small one?"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Final

from tests.benchmarks.downloaders import DOWNLOADERS
from tests.benchmarks.figures import Findings, Peer, Row, mebibytes, per_second
from tests.benchmarks.measure import MIB, Scale, child, in_turns, installed

MEANING: Final = (
    "**Downloading.** 200 MiB from loopback to a file. The baseline is `iter_bytes` of httpx written to a file as the "
    "pieces come, and nothing else. Reelway besides checks what kind of file it is, computes a SHA-256, has the disk "
    "confirm the bytes and only then gives the file its name; the row with digest and fsync is bare httpx that does "
    "the same. Over a network that is slower than this loopback the difference vanishes. Memory is how much higher "
    "the process's peak is after the 200 MiB than after a first download of 8 MiB."
)

SIZE: Final = 200 * MIB

LEAST: Final = 0.8
MOST_GROWTH: Final = 8 * MIB

BASELINES: Final = {"Client": "httpx.Client", "AsyncClient": "httpx.AsyncClient"}


def run(scale: Scale, url: str) -> Findings:
    names = [name for name, one in DOWNLOADERS.items() if installed(one.library)]
    turns = {name: partial(child, "download", name=name, url=f"{url}/0", size=SIZE) for name in names}
    found = in_turns(turns, scale.long_rounds)
    seconds = {name: median(one["seconds"] for one in turns) for name, turns in found.items()}
    growth = {name: median(one["growth"] for one in turns) for name, turns in found.items()}
    rates = {name: SIZE / MIB / taken for name, taken in seconds.items()}
    rows = [row for name in BASELINES for row in (_speed(name, rates), _weight(name, growth))]
    others = [name for name in names if name not in {*BASELINES, *BASELINES.values()}]
    return Findings(tuple(rows), tuple(_peer(name, rates, growth) for name in others), MEANING)


def _speed(name: str, rates: dict[str, float]) -> Row:
    baseline = BASELINES[name]
    return Row(
        figure=f"downloading 200 MiB, `{name}`",
        ours=_rate(rates[name]),
        baseline=f"{_rate(rates[baseline])}, bare `{baseline}`",
        ratio=rates[name] / rates[baseline],
        goal=f"≥ {LEAST} ×",
        met=rates[name] >= LEAST * rates[baseline],
    )


def _weight(name: str, growth: dict[str, float]) -> Row:
    return Row(
        figure=f"memory for that, `{name}`",
        ours=mebibytes(growth[name]),
        baseline=f"{mebibytes(growth[BASELINES[name]])}, bare `{BASELINES[name]}`",
        goal=f"≤ {mebibytes(MOST_GROWTH)} (constant)",
        met=growth[name] <= MOST_GROWTH,
    )


def _peer(name: str, rates: dict[str, float], growth: dict[str, float]) -> Peer:
    value = f"{_rate(rates[name])}, {mebibytes(growth[name])} more memory"
    return Peer("downloading 200 MiB", name, value, rates[name] / rates["httpx.Client"])


def _rate(rate: float) -> str:
    return f"{per_second(rate).removesuffix('/s')} MiB/s"
