"""OctopusX as a provider of Reelway."""

from reelway.provider.hookspecs import hookimpl
from reelway_octopusx.provider import OctopusX

__all__ = ["OctopusX", "reelway_providers"]


@hookimpl
def reelway_providers() -> list[OctopusX]:
    """The one provider of this distribution."""
    return [OctopusX()]
