"""Volcengine Ark and BytePlus ModelArk as a provider of Reelway."""

from reelway.provider.hookspecs import hookimpl
from reelway_ark.provider import Ark

__all__ = ["Ark", "reelway_providers"]


@hookimpl
def reelway_providers() -> list[Ark]:
    """The one provider of this distribution."""
    return [Ark()]
