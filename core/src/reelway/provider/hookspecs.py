"""The hooks that a distribution can implement. Hooks register; behaviour lives on the registered objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pluggy
from msgspec import Struct

from reelway.provider.interface import Provider

GROUP = "reelway"
"""The entry-point group; each entry point is named after the provider it brings."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Unusable(Struct, frozen=True):
    """Stands in the place of a provider that the user has configured wrongly.

    Attributes:
        name: what the provider would have been called.
        problem: where it is configured, and what is wrong there.
    """

    name: str
    problem: str


@hookspec
def reelway_providers(environ: Mapping[str, str]) -> Iterable[Provider | Unusable]:
    """The providers that this distribution brings; the only hook a provider plugin needs.

    Args:
        environ: the environment of the program, for a plugin whose providers the user configures. Leave it out
            where it is not needed; a provider itself reads none.
    """
    return ()
