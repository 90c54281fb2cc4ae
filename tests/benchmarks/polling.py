"""What does one poll cost the processor?"""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.figures import Findings, Peer, Row, milliseconds
from tests.benchmarks.measure import Scale, child, in_turns, installed, middle

MEANING: Final = """\
**One poll.** User and system CPU of the client's process for one `AsyncClient.retrieve`, over a connection that
is kept, one poll after the other. The baseline is `httpx.AsyncClient.get` with the key in its headers and a
`msgspec` decode into a struct. Reelway sends over the same connections of httpx, below its client and its pool, so
it saves the cookies, the redirects and the merging of settings that each `get` goes through, and the layers that
httpx puts between a connection and the event loop. It spends some of that on deadlines, limits and the reading of
the answer."""

LABELS: Final = {"openai": "openai, `videos.retrieve`", "litellm": "litellm, `avideo_status`"}

MOST: Final = 1.15

FIGURE: Final = "CPU of one poll"


def run(scale: Scale, url: str) -> Findings:
    names = [name for name, contender in CONTENDERS.items() if installed(contender.library)]
    turns = {name: partial(child, "poll", name=name, url=f"{url}/0", polls=scale.polls) for name in names}
    found = in_turns(turns, scale.rounds)
    cpu = {name: middle(measured)["cpu"] for name, measured in found.items()}
    ours, bare = cpu.pop("reelway"), cpu.pop("httpx")
    row = Row(
        figure=FIGURE,
        ours=milliseconds(ours),
        baseline=f"{milliseconds(bare)}, bare httpx",
        ratio=ours / bare,
        goal=f"≤ {MOST} ×",
        met=ours <= MOST * bare,
    )
    peers = tuple(Peer(FIGURE, LABELS.get(name, name), milliseconds(one), one / bare) for name, one in cpu.items())
    return Findings((row,), peers, MEANING)
