"""A text that must not be shown: keys, tokens and signed links."""

from __future__ import annotations

from typing import final


@final
class Secret:
    """Holds a text and shows nothing of it in reprs, logs, tracebacks or f-strings.

    Call :meth:`reveal` at the one place where the text is needed.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
