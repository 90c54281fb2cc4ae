"""A text that must not be shown: keys, tokens and signed links."""

from __future__ import annotations

from typing import final


@final
class Secret:
    """Holds a text and shows nothing of it in reprs, logs, tracebacks, f-strings or pickles.

    Call :meth:`reveal` at the one place where the text is needed. A pickle may end up in a queue or a cache, so
    what comes out of one is empty: the link of a task is then asked for anew, and a key has to be given again.
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

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def as_secret(text: str | Secret) -> Secret:
    """The text, wrapped if it is not yet."""
    return text if isinstance(text, Secret) else Secret(text)
