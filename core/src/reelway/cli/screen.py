"""What a command says: the result on stdout, everything else on stderr, as text for people or as JSON."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from reelway.cli.shapes import as_json, defect_shape, error_shape
from reelway.errors import Billed, ReelwayError
from reelway.operations import logger

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Interrupted(ReelwayError):
    """The user stopped the command. What runs at a provider goes on."""

    retryable = True
    resubmit_safe = False
    billed = Billed.UNKNOWN


class Screen:
    """Where a command writes. As a context manager, the library's warnings are written here as well."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        """Speak to people, or with ``json`` to a program; say little with ``quiet``, and more with ``verbose``."""
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self._handler = _Warnings(self._warn, logging.ERROR if quiet else logging.WARNING)

    def __enter__(self) -> Self:
        logger.addHandler(self._handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger.removeHandler(self._handler)

    @cached_property
    def console(self) -> Console:
        """The console on stderr, which a live view shares with everything that is said beside it."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def talks(self) -> bool:
        """Whether friendly words are wanted."""
        return not (self.json or self.quiet)

    def result(self, document: Mapping[str, Any], text: str) -> None:
        """A result: the document as one line of JSON, or the text."""
        self.write(as_json(document, sys.stdout.encoding) if self.json else plain_lines(text))

    def document(self, document: Mapping[str, Any]) -> None:
        """A result that is JSON in any case, laid out for reading unless lines were asked for."""
        self.write(as_json(document, sys.stdout.encoding, indent=None if self.json else 2))

    def write(self, text: str) -> None:
        """A line on stdout, at once: whoever reads along has it when it happens."""
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read along has gone. What is still buffered must not complain at the end of the program.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None

    def show(self, table: RenderableType) -> None:
        """A table on stdout; where nobody looks at it, it is as wide as it likes, and ends where its text does."""
        from rich.console import Console

        if sys.stdout.isatty():
            Console(highlight=False).print(table)
            return
        console = Console(highlight=False, width=1000)
        with console.capture() as shown:
            console.print(table)
        self.write("\n".join(line.rstrip() for line in shown.get().rstrip().split("\n")))

    def say(self, text: str) -> None:
        """A friendly word on stderr."""
        if self.talks:
            self._print(text)

    def error(self, error: ReelwayError, *, go_on: str | None = None, ref: str | None = None) -> None:
        """An error, and with which command to go on."""
        if self.json:
            self.write(as_json(error_shape(error, ref=ref, go_on=go_on), sys.stdout.encoding))
            return
        stopped = isinstance(error, Interrupted)
        self._print(error.message, "" if stopped else "error: ", "bold red")
        for hint in (error.hint, go_on and f"Go on with: {go_on}"):
            if hint:
                self._print(hint, "  ")

    def defect(self, error: Exception, ref: str | None) -> None:
        """Something that should not have happened: a program reads it as JSON, people get the traceback."""
        if self.json:
            self.write(as_json(defect_shape(error, ref), sys.stdout.encoding))

    def _warn(self, level: int, message: str) -> None:
        loud = level >= logging.ERROR
        self._print(message, "error: " if loud else "warning: ", "bold red" if loud else "yellow")

    def _print(self, text: str, title: str = "", style: str = "") -> None:
        from rich.text import Text

        self.console.print(Text.assemble((title, style), plain_lines(text)))


class _Warnings(logging.Handler):
    """Hands the library's warnings to the screen."""

    def __init__(self, warn: Callable[[int, str], None], level: int) -> None:
        super().__init__(level)
        self._warn = warn

    def emit(self, record: logging.LogRecord) -> None:
        self._warn(record.levelno, record.getMessage())


def plain(text: str) -> str:
    """A provider's text as one line without signs that could steer a terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(plain, text.split("\n")))


def forgive_encodings() -> None:
    """Let no terminal's encoding stop a command that reports on something paid."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
