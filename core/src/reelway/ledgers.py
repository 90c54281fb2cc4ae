"""Opening a ledger by its URL: those that are built in, and those that plugins bring."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reelway.errors import ConfigurationError, LedgerError, PluginError, ReelwayError
from reelway.ledger.interface import Ledger
from reelway.model.secret import Secret, as_secret
from reelway.provider.hookspecs import LEDGERS, registered
from reelway.provider.plugin import InstalledPlugin, reason_of
from reelway.provider.sole import sole_entry

if TYPE_CHECKING:
    from reelway.ledger.sqlite import SqliteLedger

LedgerLike: TypeAlias = Ledger | str | Secret
"""An open ledger, or the URL of one."""

FORMS: Final = "memory:, sqlite:jobs.db or sqlite:///var/lib/jobs.db"

ELSEWHERE: Final[Mapping[str, str]] = dict.fromkeys(("postgresql", "postgres"), "reelway-postgres")
"""The distributions of this project that bring ledgers, by the schemes of their URLs."""


def open_ledger(url: LedgerLike, environ: Mapping[str, str] = os.environ) -> Ledger:
    """The ledger at an address: ``memory:``, ``sqlite:jobs.db``, or what a plugin brings; an open one as it is.

    An address may hold a password. Of one that cannot be opened, no more than the scheme is shown.

    Args:
        url: the address. ``sqlite:jobs.db`` is a file in the present folder, ``sqlite:///var/lib/jobs.db`` one
            anywhere, and ``memory:`` ends with the process.
        environ: where ``REELWAY_PLUGINS`` is looked up.

    Raises:
        ConfigurationError: this is no address of a ledger, or nothing installed opens it.
        PluginError: the plugin that opens it is broken.
        LedgerError: it cannot be opened and written to.
    """
    if isinstance(url, Ledger):
        return url
    address = as_secret(url)
    # Reports print the locals of every frame that an error passes.
    del url
    scheme = address.reveal().partition(":")[0].lower()
    if not _is_scheme(scheme, address):
        raise ConfigurationError("What was given as the ledger is no URL of one.", hint=f"It looks like {FORMS}.")
    return BUILT_IN[scheme](address) if scheme in BUILT_IN else _brought(scheme, address, environ)


def _is_scheme(scheme: str, address: Secret) -> bool:
    # One letter is a drive, as in C:\jobs.db.
    return ":" in address.reveal() and len(scheme) > 1 and scheme.isascii() and scheme.replace("+", "").isalnum()


def _in_memory(address: Secret) -> SqliteLedger:
    # Imported here, because most clients have no ledger, and everybody waits for what is imported.
    from reelway.ledger.sqlite import SqliteLedger  # noqa: PLC0415

    if address.reveal().partition(":")[2] not in {"", "//"}:
        raise ConfigurationError("A ledger in memory has no name.", hint="Write memory: and nothing behind it.")
    return SqliteLedger()


def _in_a_file(address: Secret) -> SqliteLedger:
    from reelway.ledger.sqlite import SqliteLedger  # noqa: PLC0415

    return SqliteLedger(sqlite_path(address.reveal()))


def sqlite_path(url: str) -> Path:
    """The file that a ``sqlite:`` URL names.

    Raises:
        ConfigurationError: it names none, or one on another machine.
    """
    path = url.partition(":")[2]
    if path.startswith("//"):
        path = path[2:]
        if not path.startswith("/"):
            raise ConfigurationError("A SQLite file is on this machine.", hint=f"Write {FORMS}.")
        # /C:/jobs.db is a file on a drive.
        path = path[1:] if path[2:3] == ":" else path
    if not path or path.startswith(":"):
        raise ConfigurationError("The URL of the ledger names no file.", hint=f"It looks like {FORMS}.")
    return Path(path).expanduser()


BUILT_IN: Final[Mapping[str, Callable[[Secret], Ledger]]] = {"memory": _in_memory, "sqlite": _in_a_file}


def _brought(scheme: str, address: Secret, environ: Mapping[str, str]) -> Ledger:
    plugin = InstalledPlugin(_entry(scheme, environ))
    # Whoever raises something may have shown the address in it, or hold it in its frames.
    trouble: ReelwayError
    try:
        return _opened(plugin.load(), scheme, address)
    except KeyboardInterrupt:
        raise
    except (ConfigurationError, LedgerError) as error:
        trouble = error.with_traceback(None)
        trouble.__cause__ = trouble.__context__ = None
    except BaseException as error:  # noqa: BLE001 - as with a provider's plugin
        trouble = _broken(scheme, plugin, _without(address, reason_of(error)))
    raise trouble


def _broken(scheme: str, plugin: InstalledPlugin, reason: str) -> PluginError:
    origin = f"{plugin.distribution}, entry point {plugin.entry_point}"
    message = f"The plugin for {scheme}: ledgers ({origin}) is broken: {reason}"
    return PluginError(message, hint="Reinstall it, or report it to its authors.")


def _opened(loaded: Any, scheme: str, address: Secret) -> Ledger:
    opened = registered(loaded, scheme).hook.reelway_ledger(url=address.reveal())
    if not opened:
        raise PluginError("It opens no ledger; is reelway_ledger() there, marked with @hookimpl?")
    if not isinstance(opened[0], Ledger):
        raise PluginError(f"reelway_ledger() gave a {type(opened[0]).__name__}, which is no Ledger.")
    return opened[0]


def _entry(scheme: str, environ: Mapping[str, str]) -> EntryPoint:
    """The only entry point of a scheme."""
    found = sole_entry(LEDGERS, scheme, f"{scheme}: ledgers", environ)
    if found.entry is None:
        have = ", ".join(sorted({*BUILT_IN, *found.names}))
        raise ConfigurationError(
            f"Nothing installed opens {scheme}: ledgers; there are: {have}.", hint=_advice(scheme)
        )
    return found.entry


def _advice(scheme: str) -> str:
    if scheme in ELSEWHERE:
        return f"Install it: pip install {ELSEWHERE[scheme]}"
    # No command to copy: a name that was mistyped may be a stranger's.
    return f"It looks like {FORMS}; other ledgers come with plugins."


def _without(address: Secret, text: str) -> str:
    """A text without the address, and without whatever could be its password."""
    secret = address.reveal()
    userinfo = secret.partition("//")[2].rpartition("@")[0]
    for part in (secret, userinfo, userinfo.partition(":")[2]):
        text = text.replace(part, "…") if part else text
    return text
