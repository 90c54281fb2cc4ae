"""InfinityBlue as a provider of Reelway."""

from reelway.provider.hookspecs import hookimpl
from reelway_infinityblue.provider import InfinityBlue

__all__ = ["InfinityBlue", "reelway_providers"]


@hookimpl
def reelway_providers() -> list[InfinityBlue]:
    """The one provider of this distribution."""
    return [InfinityBlue()]
