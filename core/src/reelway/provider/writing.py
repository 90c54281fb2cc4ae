"""The border between a request of ours and what a plugin writes down for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reelway.errors import InvalidRequest, PluginError, Problem, ReelwayError
from reelway.model.http import HttpRequest
from reelway.provider.interface import Provider

UNWRITABLE: Final = (TypeError, UnicodeError, OverflowError)
"""What writers of JSON and of forms raise for a value that they cannot hold."""


def written(provider: Provider, write: Callable[[], HttpRequest]) -> HttpRequest:
    """The request that a plugin's ``encode_…`` function writes.

    Raises:
        InvalidRequest: one of the caller's values cannot be written down.
        PluginError: the plugin failed.
        NotSupported: the provider has no such call.
    """
    name = provider.info.name
    try:
        return write()
    except ReelwayError:
        raise
    except UNWRITABLE as error:
        problem = Problem(field="request", message=f"a value cannot be written down for {name!r}: {error}")
        # Its frames hold the document with all its addresses, and reports print frames.
        raise InvalidRequest([problem]) from error.with_traceback(None)
    except Exception as error:
        message = f"The plugin of {name!r} failed to write a request: {type(error).__name__}."
        raise PluginError(message, hint="Report it to the authors of the plugin. Nothing was sent.") from error
