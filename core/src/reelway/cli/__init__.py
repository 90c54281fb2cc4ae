"""The ``reelway`` command."""
