"""What a benchmark finds: rows that compare, the same work done by others, and what it all means."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One figure held against its goal; texts, as they stand in the table."""

    figure: str
    ours: str
    baseline: str = "–"
    ratio: float | None = None
    goal: str
    met: bool


class Peer(Struct, frozen=True):
    """The same work done by others, in the same run, and how that compares with the same baseline."""

    figure: str
    who: str
    value: str
    ratio: float | None = None


class Findings(Struct, frozen=True):
    """What one benchmark found."""

    rows: tuple[Row, ...]
    peers: tuple[Peer, ...]
    meaning: str


Cells: TypeAlias = tuple[str, ...]


def row_cells(row: Row) -> Cells:
    return (row.figure, row.ours, row.baseline, _ratio(row.ratio), row.goal, "met" if row.met else "**missed**")


def peer_cells(peer: Peer) -> Cells:
    return (peer.figure, peer.who, peer.value, _ratio(peer.ratio))


def _ratio(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def mebibytes(size: float) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def per_second(rate: float) -> str:
    return f"{rate:,.0f}/s"
