"""Where plugins come from, and where in one an error is: the distribution, the entry point, the file, the line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import walk_tb
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple, Protocol

from reelway.errors import PluginError

UNKNOWN_DISTRIBUTION: Final = "an unknown distribution"
"""What is told in the place of a distribution whose metadata do not name it."""


class Place(NamedTuple):
    """A place in the source of a plugin."""

    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return (self.file or "") + (f", line {self.line}" if self.file and self.line else "")


class Plugin(Protocol):
    """Something that can be loaded.

    Attributes:
        name: what it is called; by custom, like the provider that it brings.
        entry_point: the line of its distribution that names it; empty where there is none.
    """

    name: str
    entry_point: str

    @property
    def distribution(self) -> str:
        """What brought it."""

    def load(self) -> Any:
        """Import it."""

    def files(self) -> Path | None:
        """The file, or the folder of files, that it is made of."""


class InstalledPlugin:
    """A plugin that an entry point leads to."""

    def __init__(self, entry: EntryPoint) -> None:
        self.name = entry.name
        self.entry_point = f"{entry.name} = {entry.value}"
        self._entry = entry

    @property
    def distribution(self) -> str:
        """What it was installed with. It is looked up when somebody asks, for that takes reading a file."""
        try:
            # Metadata without a name give None, whatever their types say.
            name: str | None = self._entry.dist.name if self._entry.dist else None
        # The file is a stranger's: it may be no UTF-8, lead nowhere or not be there to be read.
        except Exception:  # noqa: BLE001
            name = None
        return name or UNKNOWN_DISTRIBUTION

    def load(self) -> Any:
        """Import the module."""
        return self._entry.load()

    def files(self) -> Path | None:
        """The module, or the package that it is part of."""
        # The top one is found without importing anything.
        spec = find_spec(self._entry.module.partition(".")[0])
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or ())
        return Path(folders[0]) if folders else Path(spec.origin or "")


FILE_MARK: Final = "reelway-plugin:"
"""How the name of a module begins that is a file of its own; no name that can be imported has a colon."""


class PluginFile:
    """A plugin that is one file, installed nowhere."""

    entry_point = ""

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self.distribution = str(file)
        self._file = file.absolute()

    def load(self) -> ModuleType:
        """Run the file.

        Raises:
            PluginError: it is no Python file.
        """
        name = f"{FILE_MARK}{self._file}"
        spec = spec_from_file_location(name, self._file)
        if spec is None or spec.loader is None:
            raise PluginError("It is no Python file; its name has to end with .py.")
        # Annotations are looked up in the module that a class says it is from.
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def files(self) -> Path:
        """The file."""
        return self._file


def file_of(module: str) -> Path | None:
    """The file of a module that was loaded from one, and None where it is imported by its name."""
    return Path(module.removeprefix(FILE_MARK)) if module.startswith(FILE_MARK) else None


def reason_of(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, PluginError):
        return error.message
    return f"{type(error).__name__}: {_message(error) or 'no message'}"


def place_of(error: BaseException, plugin: Plugin, loaded: Any) -> Place:
    """Where in a plugin an error arose: the innermost line of its own, or the hook that it is about.

    Args:
        error: what was raised.
        plugin: by whom.
        loaded: the plugin's module, where it could be imported.
    """
    root = _files(plugin)
    own = [place for place in _lines(error) if root is not None and _within(place.file, root)]
    if own:
        return own[-1]
    names = [name for name in getattr(loaded, "__dict__", {}) if name in _message(error)]
    hooks = [getattr(loaded, name, None) for name in (*names, "reelway_providers")]
    functions = (hook for hook in hooks if isinstance(hook, FunctionType))
    if hook := next(functions, None):
        return Place(hook.__code__.co_filename, hook.__code__.co_firstlineno)
    found = getattr(loaded, "__file__", None) or root
    return Place(str(found) if found else None)


def _message(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    # How an error is shown is a stranger's code as well.
    except Exception:  # noqa: BLE001
        return ""


def _lines(error: BaseException) -> Iterator[Place]:
    for frame, line in walk_tb(error.__traceback__):
        yield Place(frame.f_code.co_filename, line)
    if isinstance(error, SyntaxError):
        yield Place(error.filename, error.lineno)


def _within(file: str | None, root: Path) -> bool:
    return file is not None and Path(file).is_relative_to(root)


def _files(plugin: Plugin) -> Path | None:
    try:
        return plugin.files()
    except (ImportError, ValueError, AttributeError):
        # A half-imported package has no spec, and an entry point may name what is no module.
        return None
