"""Receiving callbacks: an ASGI application, and what keeps its tokens out of access logs."""

from reelway.server.access_logs import HideTokens, hide_tokens
from reelway.server.body import Limits
from reelway.server.receiver import CallbackReceiver

__all__ = ["CallbackReceiver", "HideTokens", "Limits", "hide_tokens"]
