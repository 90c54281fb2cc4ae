"""The hooks that a distribution can implement. Hooks register; behaviour lives on the registered objects."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from reelway.provider.interface import Provider

GROUP = "reelway"
"""The entry-point group; each entry point is named after the provider it brings."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def reelway_providers() -> Iterable[Provider]:
    """The providers that this distribution brings; the only hook a provider plugin needs."""
    return ()
