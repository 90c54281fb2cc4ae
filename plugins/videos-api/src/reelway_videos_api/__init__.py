"""Any gateway that speaks the OpenAI-style ``/v1/videos`` protocol, as a provider of Reelway."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from reelway.provider.hookspecs import GROUP, Unusable, hookimpl
from reelway_videos_api.gateways import gateways
from reelway_videos_api.provider import Gateway, OpenAIVideos, gateway
from reelway_videos_api.settings import Settings

__all__ = ["Gateway", "OpenAIVideos", "Settings", "gateway", "reelway_providers"]


@hookimpl
def reelway_providers(environ: Mapping[str, str]) -> list[OpenAIVideos | Unusable]:
    """The protocol as OpenAI speaks it, and the gateways of the user's file."""
    return [OpenAIVideos(), *gateways(environ, entry_points(group=GROUP).names)]
