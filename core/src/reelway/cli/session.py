"""The clients of one run: opened when a task needs one, closed together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

from msgspec.structs import replace

from reelway.account import DEFAULT_ACCOUNT, Account
from reelway.cli.accounts import chosen_provider, require_key, variable_of
from reelway.cli.exit_codes import ExitCode, exit_code
from reelway.cli.options import AccountOptions
from reelway.cli.plugins import arguments, installed
from reelway.cli.recoveries import Recoveries
from reelway.cli.run import Run
from reelway.cli.state import NO_LEDGER, opened_ledger
from reelway.client import AsyncClient
from reelway.errors import ConfigurationError, InvalidRequest, Problem, ReelwayError
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Query
from reelway.listeners import OnChange
from reelway.memory import EVERYTHING
from reelway.model.http import is_safe_id
from reelway.model.submission import Submission
from reelway.model.task import Task, TaskRef
from reelway.operations import Settings, reference
from reelway.provider.interface import Cadence
from reelway.provider.models import OnUnsupported
from reelway.recording.recorder import Recorder
from reelway.results import Waited
from reelway.transport.http import HttpSettings

RECORDER: Final[ContextVar[Recorder | None]] = ContextVar("RECORDER", default=None)
"""What writes down the exchanges of the command that ``reelway record`` runs."""


class Session:
    """Opens a client for each account that a command meets. An asynchronous context manager.

    The keys are in the environment: that of ``default`` in the provider's variable, that of ``work`` in the same
    with ``_WORK`` behind it. A reference keeps the account name that it came with; where no account has a key of
    its own, the provider's only one is meant, and that is said.
    """

    def __init__(
        self,
        run: Run,
        options: AccountOptions,
        *,
        on_change: OnChange | None = None,
        on_unsupported: OnUnsupported = OnUnsupported.ERROR,
        callbacks: str | None = None,
        poll_every: float | None = None,
        follows: bool = False,
    ) -> None:
        """Open nothing yet; ``follows`` says that tasks are polled until they end."""
        run.before, run.reach, run.memory = arguments(), options.arguments, options.memory
        self._run = run
        self._options = options
        self._account = options.account or DEFAULT_ACCOUNT
        self._registry = installed()
        self._cadence = None if poll_every is None else Cadence(poll_every, poll_every)
        recoveries = Recoveries(run.screen, polls=follows)

        def on_submission(submission: Submission) -> None:
            run.submission(submission)
            recoveries.submission(submission)

        self._settings = Settings(
            on_unsupported=on_unsupported,
            on_change=on_change,
            on_submission=on_submission,
            observers=(recoveries,) if run.screen.talks else (),
            trace=recoveries.effect if run.screen.verbose else None,
            recorder=RECORDER.get(),
            http=HttpSettings(allow_private_links=options.allow_private_links),
            callbacks=callbacks,
        )
        self.missed: list[ExitCode] = []
        self._ledger: Ledger | None = None
        self._ledger_sought = False
        self._clients: dict[tuple[str, str], AsyncClient] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def provider_name(self) -> str:
        """The provider that a new task goes to."""
        return chosen_provider(self._options.provider, self._registry, account=self._account).info.name

    def references(self, tasks: Sequence[str], route: str | None = None) -> list[TaskRef]:
        """The tasks that were named, each once, by references or by bare ids.

        Raises:
            InvalidRequest: something is no reference.
            ConfigurationError: the provider of a bare id is not known, or one address or key stands for several.
        """
        refs = list(dict.fromkeys(self._reference(task, route) for task in tasks))
        ones = {"--base-url": self._options.base_url, "--key-variable": self._options.key_variable}
        given = " and ".join(option for option, value in ones.items() if value)
        if given and len({ref.provider for ref in refs}) > 1:
            raise ConfigurationError(
                f"The tasks belong to several providers, so {given} cannot be for all of them."
            )
        return refs

    def client(self, ref: TaskRef | str) -> AsyncClient:
        """The client of a task, or of the account at a provider that is meant.

        Raises:
            ConfigurationError: the provider is not installed, or its key is missing or malformed.
        """
        named = (ref, self._account) if isinstance(ref, str) else ref.account_key
        if named not in self._clients:
            self._clients[named] = self._opened(*named)
        return self._clients[named]

    def unfinished(self, wanted: Callable[[Task], bool]) -> list[TaskRef]:
        """The wanted ones of the tasks in the ledger with something left to do, oldest first.

        Those of accounts that cannot be opened are left out; the reason is told, and its exit code ``missed``.

        Raises:
            ConfigurationError: nothing is remembered; or one address or key stands for several providers.
        """
        if self.ledger is None:
            hint = f"Name them, or leave --ledger {NO_LEDGER} out."
            raise ConfigurationError("No task was named, and no ledger remembers any.", hint=hint)
        query = Query(unfinished=True, provider=self._options.provider, limit=EVERYTHING)
        tasks = [entry.task for entry in self.ledger.entries(query) if entry.task is not None]
        named = self.references([str(task.ref) for task in tasks if wanted(task)])
        accounts = dict.fromkeys((ref.provider, ref.account) for ref in named)
        within = {account for account in accounts if self._reaches(*account)}
        return [ref for ref in named if (ref.provider, ref.account) in within]

    @property
    def ledger(self) -> Ledger | None:
        """What is remembered, opened when it is first needed."""
        if not self._ledger_sought:
            self._ledger_sought = True
            self._ledger = opened_ledger(self._options.ledger)
            self._run.remembers = self._ledger is not None
            if self._ledger is not None:
                self._stack.callback(self._ledger.close)
        return self._ledger

    def _reaches(self, provider: str, account: str) -> bool:
        try:
            self.client(TaskRef(provider, account, "", "any"))
        except ReelwayError as error:
            self._run.tell(error)
            self.missed.append(exit_code(error))
            return False
        return True

    async def follow(self, refs: Sequence[TaskRef], timeout: float, ended: Callable[[Waited], None]) -> None:
        """Follow tasks of all accounts at once, and tell of each as its wait ends."""
        theirs: dict[AsyncClient, list[TaskRef]] = {}
        for ref in refs:
            theirs.setdefault(self.client(ref), []).append(ref)
        await asyncio.gather(*(_drain(client, some, timeout, ended) for client, some in theirs.items()))

    def _reference(self, task: str, route: str | None) -> TaskRef:
        if not task.startswith("reelway"):
            return _checked(TaskRef(self.provider_name(), self._account, route or "", task))
        ref = _checked(reference(task))
        for option, given, own in (
            ("--provider", self._options.provider, ref.provider),
            ("--account", self._options.account, ref.account),
        ):
            if given not in {None, own}:
                message = f"{ref} belongs to {own}, not to {given}."
                raise ConfigurationError(message, hint=f"References say it themselves; leave {option} out.")
        return ref

    def _opened(self, provider: str, account: str) -> AsyncClient:
        options = self._options
        variable = options.key_variable or self._own_variable(provider, account)
        require_key(self._registry.get(provider), variable)
        settings = replace(self._settings, ledger=self.ledger)
        opened = Account(provider, base_url=options.base_url, cadence=self._cadence, key_variable=variable)
        client = AsyncClient({account: opened}, registry=self._registry, settings=settings)
        self._stack.push_async_callback(client.aclose)
        return client

    def _own_variable(self, provider: str, account: str) -> str | None:
        """The variable with the account's own key; None where the provider's serves."""
        usual = self._registry.get(provider).info.key_variable
        own = variable_of(self._registry.get(provider), account)
        # Where accounts have keys of their own, none is asked with another one's, which does not know its jobs.
        if account == self._options.account or any(name.startswith(f"{usual}_") for name in os.environ):
            return own
        if own not in {usual, *os.environ}:
            self._run.screen.say(f"The account {account!r} has no key of its own in {own}, so {usual} is taken.")
        return own if own in os.environ else None


def _checked(ref: TaskRef) -> TaskRef:
    if not is_safe_id(ref.id):
        raise InvalidRequest([Problem(field="task", message=f"{ref.id[:60]!r} can be no task id")])
    return ref


async def _drain(
    client: AsyncClient, refs: Sequence[TaskRef], timeout: float, ended: Callable[[Waited], None]
) -> None:
    async for one in client.as_completed(refs, timeout=timeout):
        ended(one)
