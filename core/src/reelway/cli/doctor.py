"""`doctor`: what is here, what is missing, and what is broken."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from reelway.account import EXPOSED, Account, base_url_variable, endpoint_of, is_exposed
from reelway.cli.exit_codes import ExitCode
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.state import LEDGER_VARIABLE, default_file, named_ledger, opened_ledger
from reelway.engines.installed import ENGINES
from reelway.errors import ConfigurationError, LedgerError, PluginError
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Query
from reelway.ledgers import BUILT_IN
from reelway.memory import EVERYTHING, Memory
from reelway.provider.hookspecs import LEDGERS
from reelway.provider.interface import Provider
from reelway.provider.plugin import InstalledPlugin
from reelway.provider.registry import PluginReport, Registry


class State(StrEnum):
    """How a finding is."""

    GOOD = "ok"
    HINT = "hint"
    BROKEN = "broken"


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    state: State
    detail: str


LIBRARIES: Final = {
    "reelway": State.BROKEN,
    "msgspec": State.BROKEN,
    "pluggy": State.BROKEN,
    "httpx": State.BROKEN,
    "httpx2": State.GOOD,
    "pyreqwest": State.GOOD,
    "obstore": State.GOOD,
    "typer": State.BROKEN,
    "rich": State.BROKEN,
    "h11": State.HINT,
}
"""What is looked for, and what its absence is. h11 is for the sandbox only; of httpx2, pyreqwest and obstore none
is needed."""

STYLES: Final = {State.GOOD: "green", State.HINT: "yellow", State.BROKEN: "bold red"}


def doctor(run: Run) -> ExitCode:
    """Look at the installation. The exit code is 1 if something is broken; a missing key is no failure."""
    found = [finding for look in EXAMINATIONS for finding in look(installed())]
    if run.screen.json:
        for finding in found:
            run.screen.result(asdict(finding), "")
    else:
        _show(run, found)
    broken = any(finding.state is State.BROKEN for finding in found)
    return ExitCode.UNEXPECTED if broken else ExitCode.OK


def _python(registry: Registry) -> Iterator[Finding]:
    yield Finding("Python", State.GOOD, f"{platform.python_version()} on {platform.system()}")


def _libraries(registry: Registry) -> Iterator[Finding]:
    for name, absent in LIBRARIES.items():
        try:
            yield Finding(name, State.GOOD, version(name))
        except PackageNotFoundError:
            yield Finding(name, absent, "not installed")


def _plugins(registry: Registry) -> Iterator[Finding]:
    reports = registry.load_all()
    for report in reports:
        state = State.BROKEN if report.problem else State.GOOD
        yield Finding(f"plugin {report.plugin}", state, _detail(report))
    for report in registry.load_observers():
        state = State.BROKEN if report.problem else State.GOOD
        yield Finding(f"observer {report.plugin}", state, _detail(report))
    if not reports:
        yield Finding("plugins", State.HINT, f"none; {registry.emptiness}")


def _shared(registry: Registry) -> Iterator[Finding]:
    """What else plugins bring: where jobs can be remembered, and who can share their polls out."""
    yield Finding("ledgers", State.GOOD, _listed(LEDGERS, *BUILT_IN))
    yield Finding("engines", State.GOOD, _listed(ENGINES) or "none; `reelway track` needs none")


def _listed(group: str, *built_in: str) -> str:
    """The names of a group of entry points, each with what brings it; nothing is loaded."""
    brought = (InstalledPlugin(one) for one in entry_points(group=group))
    return ", ".join((*built_in, *sorted(f"{one.name} from {one.distribution}" for one in brought)))


def _detail(report: PluginReport) -> str:
    return f"{report.origin}: {report.told}" if report.problem else f"from {report.distribution}"


def _keys(registry: Registry) -> Iterator[Finding]:
    for provider in registry.providers:
        variable = provider.info.key_variable
        if not os.environ.get(variable):
            yield Finding(variable, State.HINT, f"not set; needed for {provider.info.title}")
        else:
            yield _judged(variable, provider, Account(provider.info.name, base_url=provider.info.base_url), "set")


def _base_urls(registry: Registry) -> Iterator[Finding]:
    for provider in registry.providers:
        variable = base_url_variable(provider.info.name)
        if named := os.environ.get(variable):
            yield _judged(variable, provider, Account(provider.info.name, "any", named), named)
        else:
            yield Finding(f"{provider.info.title} is at", State.GOOD, provider.info.base_url)


def _judged(subject: str, provider: Provider, account: Account, good: str) -> Finding:
    """A setting, tried the way a client tries it; its value shows only where it is no secret."""
    try:
        endpoint_of(account, provider)
    except ConfigurationError as error:
        return Finding(subject, State.BROKEN, str(error))
    if account.base_url and is_exposed(account.base_url):
        return Finding(subject, State.HINT, f"{good}: {EXPOSED}")
    return Finding(subject, State.GOOD, good)


def _folder(registry: Registry) -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile(dir="."):
            yield Finding("present folder", State.GOOD, "writable")
    except OSError as error:
        yield Finding("present folder", State.BROKEN, f"not writable: {error.strerror}")


def _ledger(registry: Registry) -> Iterator[Finding]:
    named = named_ledger(None)
    if named is None and not default_file().exists():
        yield Finding("ledger", State.GOOD, f"none yet; the first job makes sqlite:{default_file()}")
        return
    try:
        ledger = opened_ledger(None)
        if ledger is None:
            yield Finding("ledger", State.HINT, f"none, as {LEDGER_VARIABLE} says; jobs are remembered nowhere")
            return
        with ledger:
            yield from _looked_into(ledger)
    except (ConfigurationError, LedgerError, PluginError) as error:
        yield Finding("ledger", State.BROKEN, str(error))


def _looked_into(ledger: Ledger) -> Iterator[Finding]:
    problems = ledger.check()
    waiting = len(ledger.entries(Query(unfinished=True, limit=EVERYTHING)))
    state = State.BROKEN if problems else State.GOOD
    yield Finding("ledger", state, "; ".join(problems) or f"{ledger.name}; {waiting} unfinished")
    if doubtful := Memory(ledger, lambda: datetime.now(UTC)).in_doubt():
        ids = ", ".join(entry.submission.id for entry in doubtful if entry.submission is not None)
        yield Finding("submissions in doubt", State.HINT, f"{ids}: reelway adopt, or reelway abandon")


EXAMINATIONS: Final[tuple[Callable[[Registry], Iterator[Finding]], ...]] = (
    _python,
    _libraries,
    _plugins,
    _shared,
    _keys,
    _base_urls,
    _folder,
    _ledger,
)


def _show(run: Run, found: list[Finding]) -> None:
    from reelway.cli.tables import cell, table

    made = table(("", "what", "finding"))
    for finding in found:
        made.add_row(cell(finding.state, style=STYLES[finding.state]), cell(finding.subject), cell(finding.detail))
    run.screen.show(made)
