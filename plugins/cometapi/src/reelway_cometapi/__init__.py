"""CometAPI as a provider of Reelway."""

from reelway.provider.hookspecs import hookimpl
from reelway_cometapi.provider import CometApi

__all__ = ["CometApi", "reelway_providers"]


@hookimpl
def reelway_providers() -> list[CometApi]:
    """The one provider of this distribution."""
    return [CometApi()]
