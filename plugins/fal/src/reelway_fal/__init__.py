"""fal.ai as a provider of Reelway."""

from reelway.provider.hookspecs import hookimpl
from reelway_fal.provider import Fal

__all__ = ["Fal", "reelway_providers"]


@hookimpl
def reelway_providers() -> list[Fal]:
    """The one provider of this distribution."""
    return [Fal()]
