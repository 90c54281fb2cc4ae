"""What the jobs of an engine do, whichever it is: sweep, submit, store, and tell what a dead worker did not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct

from reelway.account import DEFAULT_ACCOUNT, Account, named_accounts
from reelway.client import AsyncClient
from reelway.errors import ConfigurationError, InvalidRequest, Problem
from reelway.ledger.interface import Ledger
from reelway.ledgers import LedgerLike, open_ledger
from reelway.listeners import OnChange
from reelway.model.request import has_scheme
from reelway.model.secret import as_secret
from reelway.operations import reference
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway.storing.place import in_folder
from reelway.tracker import Swept, Tracker
from reelway.tracker.accounts import TrackedAccounts

LOOK_SECONDS: Final = 0.25
"""The longest between two looks at the ledger: for a slow poll, and where nothing is known to be due."""

GATHER_SECONDS: Final = 0.05
"""The shortest, unless more is due already: so that tasks that are due one after the other are taken together."""

MEDIA: Final = ("first_frame", "last_frame", "references")
"""The fields of a request that may name files."""

OnSweep: TypeAlias = Callable[[Swept], None]


class Opened(Struct, frozen=True):
    """What all jobs of one worker share."""

    ledger: Ledger
    tracker: Tracker


class EngineWork:
    """The work of a job engine. Each of its methods is the body of a job.

    The ledger and its tracker are opened by the first job of an event loop, are shared by all of its jobs, and are
    closed when the loop ends. So a process that only hands in jobs needs no key.
    """

    def __init__(
        self,
        ledger: LedgerLike,
        accounts: TrackedAccounts,
        *,
        download_to: str | Path | None = None,
        on_change: OnChange | None = None,
        on_sweep: OnSweep | None = None,
        allow_private_links: bool = False,
        registry: Registry | None = None,
    ) -> None:
        """Note what is to be done; nothing is opened yet.

        Args:
            ledger: the URL of the ledger, or one that is open and stays so.
            accounts: whose tasks are followed, as for a :class:`reelway.tracker.Tracker`.
            download_to: where sweeps store results, as for a tracker; without it, they store none.
            on_change: is called with each task that changed, and the events that say how.
            on_sweep: is told each look at the ledger that succeeded; for signs of life.
            allow_private_links: result links may lead to loopback and private addresses.
            registry: where providers are looked up; by default all installed ones.
        """
        self.ledger = ledger if isinstance(ledger, Ledger) else as_secret(ledger)
        self._accounts = accounts
        self._download_to = download_to
        self._on_change = on_change
        self._on_sweep = on_sweep
        self._allow_private_links = allow_private_links
        self._registry = registry
        self._opened: dict[asyncio.AbstractEventLoop, asyncio.Future[Opened]] = {}
        self._holders: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the ledger and the accounts now, and not with the first job; so what is wrong is told at once.

        Raises:
            ConfigurationError: a key, an address, a place or a provider is missing or malformed.
            LedgerError: the ledger cannot be opened.
        """
        await self._open()

    # --- jobs ---

    async def sweep(self, seconds: float) -> int:
        """Sweep until the time is over; gives how many tasks had their turn.

        Polls that are still under way then go on in the background, and what they see is written.

        Raises:
            ConfigurationError: a key, an address or a provider is missing.
            LedgerError: the ledger cannot be opened or used. Sweep again later; nothing is lost.
        """
        tracker = (await self._open()).tracker
        end, done = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            swept = await tracker.sweep(deadline=min(left, LOOK_SECONDS))
            done += swept.done
            if self._on_sweep is not None:
                self._on_sweep(swept)
            await asyncio.sleep(min(left, _pause(swept)))
        return done

    async def submit(
        self,
        request: Mapping[str, Any],
        idempotency_key: str,
        *,
        provider: str | None = None,
        account: str = DEFAULT_ACCOUNT,
    ) -> str:
        """Create a task; gives its reference. However often the job is done, it pays once.

        Args:
            request: the keyword arguments of :meth:`reelway.Client.create`, such as ``prompt`` and ``model``;
                media as URLs, because a path means another file on each machine.
            idempotency_key: the name of the wish, such as the number of an order. A second job with this key gives
                the task of the first.
            provider: who is asked; may be left out where there is one account only.
            account: the name of the account.

        Raises:
            InvalidRequest: it names a file.
            ReelwayError: as :meth:`reelway.Client.create`. Do the job again where the error is ``retryable`` and
                ``resubmit_safe``, and never otherwise.
        """
        _refuse_paths(request)
        async with await self._client(provider, account) as client:
            task = await client.create(**{**request, "idempotency_key": idempotency_key})
        return str(task.ref)

    async def store(self, task: str, to: str) -> str:
        """Store the result of a task that has succeeded; gives its path, or the URL of its object.

        What is there already is not fetched again.

        Args:
            task: the reference of the task.
            to: a folder, a template such as ``"videos/{provider}/{id}.mp4"``, or ``"s3://bucket/{id}.mp4"``.

        Raises:
            ReelwayError: as :meth:`reelway.Client.download`. Do the job again where the error is ``retryable``; it
                is while the task has not ended.
        """
        ref = reference(task)
        async with await self._client(ref.provider, ref.account) as client:
            return (await client.download(ref, in_folder(to))).location

    async def remind(self) -> None:
        """Tell ends of jobs that a worker told nobody before it died; now and then is enough."""
        await (await self._open()).tracker.remind()

    # --- what they share ---

    async def _open(self) -> Opened:
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            self._opened[loop] = loop.create_future()
            holder = loop.create_task(self._hold(self._opened[loop]))
            self._holders.add(holder)
            holder.add_done_callback(self._holders.discard)
        return await asyncio.shield(self._opened[loop])

    async def _hold(self, opened: asyncio.Future[Opened]) -> None:
        """Keep the ledger and its tracker open until the loop ends and cancels whatever is left in it."""
        try:
            async with AsyncExitStack() as stack:
                opened.set_result(await self._entered(stack))
                await asyncio.Event().wait()
        except Exception as error:
            if opened.done():
                raise
            # Told to all who wait for it; the next job tries again.
            opened.set_exception(error)
        finally:
            # Nothing is left of a loop that has ended: some programs have one for each job.
            del self._opened[asyncio.get_running_loop()]

    async def _entered(self, stack: AsyncExitStack) -> Opened:
        ledger = await asyncio.to_thread(open_ledger, self.ledger)
        if ledger is not self.ledger:
            stack.push_async_callback(asyncio.to_thread, ledger.close)
        return Opened(ledger, await stack.enter_async_context(self._tracker(ledger)))

    def _tracker(self, ledger: Ledger) -> Tracker:
        return Tracker(
            ledger,
            self._accounts,
            download_to=self._download_to,
            on_change=self._on_change,
            allow_private_links=self._allow_private_links,
            registry=self._registry,
        )

    async def _client(self, provider: str | None, account: str) -> AsyncClient:
        chosen = self._account(provider, account)
        return AsyncClient(
            {account: chosen},
            ledger=(await self._open()).ledger,
            on_change=self._on_change,
            allow_private_links=self._allow_private_links,
            registry=self._registry,
        )

    def _account(self, provider: str | None, name: str) -> Account:
        pairs = _pairs(self._accounts)
        found = [one for key, one in pairs if key == name and provider in {None, one.provider_name}]
        if len(found) == 1:
            return found[0]
        have = ", ".join(f"{key} of {one.provider_name}" for key, one in pairs)
        wanted = f"account {name!r} of {provider or 'any provider'}"
        message = f"There is {'more than one' if found else 'no'} {wanted}; there are: {have}."
        raise ConfigurationError(message, hint="Name the provider and the account of the job.")


def _pairs(accounts: TrackedAccounts) -> list[tuple[str, Account]]:
    """Each account with its name."""
    many = [accounts] if isinstance(accounts, str | Provider | Account | Mapping) else accounts
    return [pair for one in many for pair in named_accounts(one).items()]


def _refuse_paths(request: Mapping[str, Any]) -> None:
    # Whoever fills a queue is not to choose a file of the worker's that is sent away.
    message = "a job may be done on any machine, so media are given as URLs"
    named = [field for field in MEDIA if any(map(_is_path, _listed(request.get(field))))]
    if named:
        raise InvalidRequest([Problem(field=field, message=message) for field in named])


def _listed(media: Any) -> Iterable[Any]:
    return media if isinstance(media, list | tuple) else (media,)


def _is_path(media: Any) -> bool:
    return media is not None and not (isinstance(media, str) and has_scheme(media))


def _pause(swept: Swept) -> float:
    """Seconds until the next look."""
    if swept.done and swept.next_wake == 0:
        return 0.0
    due = LOOK_SECONDS if swept.next_wake is None else swept.next_wake
    return min(max(due, GATHER_SECONDS), LOOK_SECONDS)
