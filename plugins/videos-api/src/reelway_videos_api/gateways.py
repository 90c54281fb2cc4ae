"""The gateways that a user describes in a file: a table for each, under a name of the user's."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reelway.errors import Problem
from reelway.provider.hookspecs import Unusable
from reelway_videos_api.provider import Gateway
from reelway_videos_api.settings import problems_in

VARIABLE: Final = "REELWAY_GATEWAYS"
"""The environment variable that says where the file is; an empty one says that there is none."""

FOLDERS: Final = (("XDG_CONFIG_HOME", ""), ("APPDATA", ""), ("HOME", ".config"))
"""Where programs keep their settings: a variable, and what follows its value. The first that is set counts."""

FILE: Final = "reelway/gateways.toml"
"""The file below such a folder. None is looked for in the present one: what lies there may be anybody's."""


def gateways(environ: Mapping[str, str], taken: Collection[str]) -> Iterator[Gateway | Unusable]:
    """The gateways of the file that the environment leads to; what is wrong with one hurts no other.

    Args:
        environ: the environment.
        taken: the names of installed plugins, which no gateway may have.
    """
    path = path_of(environ)
    if path is None:
        return
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        # Only who says where the file is expects one to be there.
        if VARIABLE in environ or not isinstance(error, FileNotFoundError):
            yield Unusable(path.name, f"{path} cannot be read: {error.strerror}.")
    # Both TOML's own error and that of UTF-8 are values' errors, and neither quotes the file.
    except (ValueError, RecursionError) as error:
        yield Unusable(path.name, f"{path} is no readable TOML: {error}.")
    else:
        for name, table in tables.items():
            problems = [str(problem) for problem in _problems(name, table, taken)]
            where = f"{path}, table [{name}]"
            yield Unusable(name, f"{where}: {'; '.join(problems)}.") if problems else Gateway(name, table)


def path_of(environ: Mapping[str, str]) -> Path | None:
    """Where the file is, or would be."""
    if VARIABLE in environ:
        return Path(environ[VARIABLE]) if environ[VARIABLE] else None
    folders = (Path(environ[variable], more) for variable, more in FOLDERS if environ.get(variable))
    return next((folder / FILE for folder in folders), None)


def _problems(name: str, table: Any, taken: Collection[str]) -> list[Problem]:
    if not isinstance(table, dict):
        return [Problem(field=name, message="is no table; a gateway begins with a line such as [my-gateway]")]
    if name in taken:
        return [Problem(field="name", message="is that of an installed plugin; choose another")]
    return problems_in(name, table)
