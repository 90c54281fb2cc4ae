"""`track`: following everything that a ledger holds unfinished, for as long as the command runs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

from typer import Option

from reelway.account import DEFAULT_ACCOUNT, Account
from reelway.cli.accounts import require_key, variable_of
from reelway.cli.options import ENGINE, PROVIDERS, RESULT, WAITING, LedgerUrl, Options, PollEvery, PrivateLinks
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.shapes import event_shape
from reelway.cli.state import LEDGER_VARIABLE, NO_LEDGER, named_ledger, required_ledger
from reelway.cli.views import Lines
from reelway.errors import ConfigurationError
from reelway.model.lifecycle import Event, ResultStored
from reelway.model.secret import Secret, as_secret
from reelway.model.task import Task
from reelway.provider.interface import Cadence
from reelway.provider.registry import Registry

if TYPE_CHECKING:
    from reelway.tracker import Swept

T = TypeVar("T")

logger: Final = logging.getLogger("reelway")

Named: TypeAlias = Sequence[tuple[str, Account]]
"""Accounts, each with its name."""

STOPPING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
"""Ctrl-C, and how service managers and container engines end a program."""


class TrackOptions(Options, frozen=True, kw_only=True):
    """What is followed, and how long."""

    ledger: LedgerUrl = None
    provider: Annotated[
        list[str],
        Option(
            "--provider",
            "-p",
            metavar="NAME",
            help="Only tasks of this provider; else of all whose keys are set. Repeatable.",
            rich_help_panel=PROVIDERS,
            show_default=False,
        ),
    ] = []
    account: Annotated[
        list[str],
        Option(
            "--account",
            metavar="NAME",
            help="Only tasks of this account: the key of `work` is in the provider's variable with _WORK behind "
            "it, that of `default` in the plain one. Without it, `default` alone. Repeatable.",
            rich_help_panel=PROVIDERS,
            show_default=False,
        ),
    ] = []
    once: Annotated[
        bool,
        Option(
            "--once",
            help="Ask about what is due, once, and stop: for cron.",
            rich_help_panel=WAITING,
            show_default=False,
        ),
    ] = False
    poll_every: PollEvery = None
    requests_per_second: Annotated[
        float | None,
        Option(
            "--requests-per-second",
            metavar="NUMBER",
            min=0.01,
            help="Polls of each account at most, by all trackers of the ledger together; 5 unless given.",
            rich_help_panel=WAITING,
        ),
    ] = None
    to: Annotated[
        str | None,
        Option(
            "--to",
            metavar="PLACE",
            help="Store results here: a folder, a template such as videos/{provider}/{id}.mp4, or s3://, gs://, "
            "az://; without it, none are stored.",
            rich_help_panel=RESULT,
            show_default=False,
        ),
    ] = None
    allow_private_links: PrivateLinks = False
    engine: Annotated[
        str | None,
        Option(
            "--engine",
            metavar="NAME",
            help="The job engine that shares the work out among many machines, such as procrastinate.",
            rich_help_panel=ENGINE,
            show_default=False,
        ),
    ] = None
    shards: Annotated[
        int,
        Option(
            "--shards",
            metavar="N",
            min=1,
            help="How many processes of the engine sweep at once, on all machines together.",
            rich_help_panel=ENGINE,
        ),
    ] = 1
    alive: Annotated[
        Path | None,
        Option(
            "--alive",
            metavar="FILE",
            help="A file that is touched with each look at the ledger: one older than a minute says that it hangs.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None


async def track(run: Run, options: TrackOptions) -> None:
    """Follow all open tasks of a ledger to their ends, until Ctrl-C or SIGTERM.

    Each change is a line; with --json, each event. Any number of these may run on one ledger.
    """
    accounts = tracked_accounts(options.provider, options.account, installed(), **_pace(options))
    if options.engine is None and options.shards > 1:
        raise ConfigurationError(
            "Shards are those of an engine.", hint="Name one with --engine, or leave --shards out."
        )
    follow = _track if options.engine is None else _work
    await follow(run, options, accounts, _Alive(options.alive))


async def _track(run: Run, options: TrackOptions, accounts: Named, alive: _Alive) -> None:
    """Follow in this process, whoever else does so in another."""
    from reelway.tracker import Tracker

    with required_ledger(options.ledger) as ledger, _stopped_by_signals() as stop:
        async with Tracker(ledger, _as_mappings(accounts), **_ways(run, options)) as tracker:
            if options.once:
                swept = await _until(stop, tracker.catch_up())
                run.screen.say(_caught_up(swept))
                return
            run.screen.say(_following(accounts, ledger.name))
            await tracker.run(stop, on_sweep=lambda _: alive.sign())


async def _work(run: Run, options: TrackOptions, accounts: Named, alive: _Alive) -> None:
    """Do the jobs of an engine, which other processes share."""
    from reelway.engines import EngineWork, engine_named

    engine = engine_named(options.engine or "")
    ways = _ways(run, options)
    work = EngineWork(_shared_ledger(options), _as_mappings(accounts), on_sweep=lambda _: alive.sign(), **ways)
    with _stopped_by_signals() as stop:
        run.screen.say(_following(accounts, f"the ledger as jobs of {options.engine}"))
        await engine(work=work, shards=options.shards, stop=stop)


def _shared_ledger(options: TrackOptions) -> Secret:
    """The address of the ledger that all processes of an engine share.

    Raises:
        ConfigurationError: none is named, or the command is to stop after one look.
    """
    if options.once:
        raise ConfigurationError("An engine looks again and again.", hint="Leave --once or --engine out.")
    url = named_ledger(options.ledger)
    if url in {None, NO_LEDGER}:
        message = "An engine follows a ledger that all of its processes share, and none is named."
        raise ConfigurationError(message, hint=f"Name it with --ledger or {LEDGER_VARIABLE}.")
    return as_secret(str(url))


def _ways(run: Run, options: TrackOptions) -> dict[str, Any]:
    """How is followed, whoever does it."""
    return {
        "download_to": options.to,
        "on_change": _Told(run).on_change,
        "allow_private_links": options.allow_private_links,
        "registry": installed(),
    }


def _pace(options: TrackOptions) -> dict[str, Any]:
    """How fast accounts are asked, where that is not left to their providers and to us."""
    every, rate = options.poll_every, options.requests_per_second
    asked = {"cadence": None if every is None else Cadence(every, every), "requests_per_second": rate}
    return {name: value for name, value in asked.items() if value is not None}


def _as_mappings(accounts: Named) -> list[Mapping[str, Account]]:
    """As trackers take them: two providers may have an account of one name."""
    return [{name: account} for name, account in accounts]


def _following(accounts: Named, where: str) -> str:
    names = ", ".join(shown_account(*one) for one in accounts)
    return f"Following the open tasks of {names} in {where} until Ctrl-C."


def _caught_up(swept: Swept | None) -> str:
    """What one look at the ledger came to."""
    if swept is None:
        return "Stopped before each open task had its turn."
    polled = f"Tasks that had their turn: {swept.done}."
    waits = swept.next_wake
    return f"{polled} No other waits." if waits is None else f"{polled} The next one can have it in {waits:.0f} s."


def tracked_accounts(
    providers: Sequence[str],
    accounts: Sequence[str],
    registry: Registry,
    environ: Mapping[str, str] = os.environ,
    **pace: Any,
) -> list[tuple[str, Account]]:
    """The accounts that were named of the providers that were named, or of all whose keys are in the environment.

    Raises:
        ConfigurationError: a provider is not installed, or a key or all keys are missing.
    """
    chosen = [registry.get(name) for name in dict.fromkeys(providers)] or registry.providers
    found = []
    for name in dict.fromkeys(accounts) or [DEFAULT_ACCOUNT]:
        variables = {provider.info.name: variable_of(provider, name) for provider in chosen}
        if providers:
            for provider in chosen:
                require_key(provider, variables[provider.info.name], environ)
        ready = [provider for provider, variable in variables.items() if environ.get(variable)]
        if not ready:
            raise ConfigurationError(_nobody(name), hint=_advice(variables.values(), registry))
        found += [(name, Account(one, key_variable=variables[one], **pace)) for one in ready]
    return found


def _nobody(account: str) -> str:
    whose = "its key" if account == DEFAULT_ACCOUNT else f"the key of its account {account!r}"
    return f"No installed provider has {whose} set."


def shown_account(name: str, account: Account) -> str:
    """An account for people: its provider, and its name where there may be several."""
    provider = account.provider_name
    return provider if name == DEFAULT_ACCOUNT else f"{provider} (account {name})"


def _advice(variables: Iterable[str], registry: Registry) -> str:
    named = ", ".join(variables)
    return f"Set one in the environment: {named}." if named else registry.emptiness


@contextmanager
def _stopped_by_signals() -> Iterator[asyncio.Event]:
    """Set by the first signal that asks the program to end; after that, signals do what they usually do."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in STOPPING}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(*_: object) -> None:
        restore()
        loop.call_soon_threadsafe(stop.set)

    for number in STOPPING:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Do some work, unless it is time to stop before; then there is no result."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
        await asyncio.wait([working, stopping])
    return None if working.cancelled() else working.result()


class _Alive:
    """The sign of life for whoever watches over the process."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._failed = False
        try:
            self.touch()
        except OSError as error:
            message = f"{file} cannot be touched: {error.strerror}."
            raise ConfigurationError(message, hint="Name a file in a folder that may be written to.") from error

    def touch(self) -> None:
        if self._file is not None:
            self._file.touch()

    def sign(self) -> None:
        """Touch the file; where that cannot be done any more, its age tells whoever watches."""
        try:
            self.touch()
        except OSError as error:
            if not self._failed:
                logger.error("%s cannot be touched any more: %s.", self._file, error.strerror)  # noqa: TRY400
            self._failed = True


class _Told:
    """Changes on stdout: lines for people, an object for each event for programs."""

    def __init__(self, run: Run) -> None:
        self._screen = run.screen
        self._lines = Lines(run.screen.write)

    def on_change(self, task: Task, events: tuple[Event, ...]) -> None:
        if not self._screen.json:
            self._lines.changed(task)
        for event in events:
            if self._screen.json:
                self._screen.result(event_shape(task, event), "")
            elif isinstance(event, ResultStored):
                self._lines.stored(event)
