"""The sandbox as users meet it: the installed providers, simulated, over sockets or in process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from threading import Lock
from types import TracebackType
from typing import Final, Self, TypeAlias

from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.flow.effects import Phase, TransportError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway.provider.simulator import Simulator
from reelway.sandbox.callbacks import Callback
from reelway.sandbox.jobs import Pace
from reelway.sandbox.ledger import Ledger
from reelway.sandbox.post import post
from reelway.sandbox.reply import Behaviour
from reelway.sandbox.server import SandboxServer
from reelway.sandbox.world import World
from reelway.transport.clock import Clock, SystemClock

logger = logging.getLogger(__name__)

OnCallback: TypeAlias = Callable[[Callback], int | None]

NOWHERE: Final = "https://sandbox.invalid"
"""The address while no server runs; the name can never be found (RFC 6761, section 6.4)."""


class Sandbox:
    """Every installed provider simulated, each below its own path.

    As a context manager it listens on loopback; without one, :meth:`respond` answers in process on any clock::

        with Sandbox() as sandbox:
            client = Client("acme", api_key="any", base_url=sandbox.base_url("acme"))

    Faults are asked for in the prompt, as in ``"A cat. [[fail]]"``; every key is good but ``bad-key``.
    """

    def __init__(
        self,
        providers: Iterable[Provider] | None = None,
        *,
        clock: Clock | None = None,
        pace: Pace = Pace.CLOCK,
        job_seconds: float = 3.0,
        job_polls: int = 4,
        link_seconds: float = 3600.0,
        seed: int = 0,
        chaos: int | None = None,
        first_job: int = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        on_callback: OnCallback | None = None,
    ) -> None:
        """Simulate these providers, or every installed one.

        Args:
            providers: those without a simulator are left out.
            clock: moves the jobs and ends the links.
            pace: whether jobs move by the clock, by the number of polls, or by hand.
            job_seconds: how long a job takes by the clock.
            job_polls: with which poll it ends by their number.
            link_seconds: how long a result link works.
            seed: the same seed signs the same links and callbacks.
            chaos: a seed; then tasks meet faults by chance, and the same seed gives the same faults.
            first_job: the number in the id of the first job; ids are told apart where sandboxes begin apart.
            host: where to listen.
            port: likewise; 0 takes one that is free.
            on_callback: is given each callback, whatever its address. It may return an HTTP status: one outside
                the 2xx means that it was not taken, and is sent again. Without a function, a sandbox that listens
                posts callbacks to addresses on loopback.
        """
        self._clock = SystemClock() if clock is None else clock
        self.world = World(
            simulators_of(Registry.installed().providers if providers is None else providers),
            clock=self._clock,
            public_url=NOWHERE,
            pace=pace,
            job_seconds=job_seconds,
            job_polls=job_polls,
            link_seconds=link_seconds,
            seed=seed,
            chaos=chaos,
            first_job=first_job,
        )
        self._on_callback = on_callback
        courier = post if on_callback is None else self._hand_over_aside
        self._server = SandboxServer(self.world, host=host, port=port, courier=courier)
        self._delivering = Lock()

    @property
    def url(self) -> str:
        """How the sandbox is reached."""
        return self.world.public_url

    @property
    def ledger(self) -> Ledger:
        """What was seen so far."""
        return self.world.ledger()

    def base_url(self, provider: str) -> str:
        """The base URL to use in place of a provider's own."""
        return self.world.base_url(provider)

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The answer in process; the path starts with the provider's name, and the body is bytes.

        A file that breaks off arrives as far as it came, under the length that was promised for the whole.

        Raises:
            TransportError: a fault breaks the connection, in the phase in which a transport would see it.
        """
        self.deliver_callbacks()
        reply = self.world.answer(request)
        self._clock.sleep(reply.seconds)
        promised = reply.response.header("content-length") is not None
        if reply.behaviour is Behaviour.UNDERSTATE or (reply.behaviour is Behaviour.TRUNCATE and promised):
            return replace(reply.response, body=reply.arriving)
        if reply.behaviour in BROKEN:
            phase, reason = BROKEN[reply.behaviour]
            raise TransportError(phase, reason)
        return reply.response

    def deliver_callbacks(self) -> None:
        """Give ``on_callback`` what has come due on the clock; without such a function nothing happens.

        :meth:`respond` begins with it, so it is called by those who let time pass and ask for nothing. What the
        function raises is raised here, and its callback is not sent again.
        """
        # A function that asks the sandbox in turn is not given the next callback in the middle of this one.
        if self._on_callback is None or not self._delivering.acquire(blocking=False):
            return
        try:
            while (letter := self.world.next_callback()) is not None:
                self.world.delivered(letter, self._hand_over(self.world.sealed(letter)))
        finally:
            self._delivering.release()

    def callback_secret(self, provider: str) -> str | None:
        """What ``Provider.verify_callback`` takes to prove this sandbox's callbacks; None where none are signed.

        Raises:
            ConfigurationError: the provider is not simulated here.
        """
        return self.world.callback_secret(provider)

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def unreachable(self) -> AbstractContextManager[None]:
        """For a while, connections are refused by the machine itself, so that no byte of a request can leave."""
        return self._server.unreachable()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand_over(self, callback: Callback) -> str:
        answered = self._on_callback(callback) if self._on_callback else None
        return str(answered or HTTPStatus.OK.value)

    async def _hand_over_aside(self, callback: Callback) -> str:
        # In a thread of its own, for the function may ask the server that waits for it.
        try:
            return await asyncio.to_thread(self._hand_over, callback)
        except Exception as error:
            logger.exception("A callback could not be handed over")
            return type(error).__name__


BROKEN: Final[Mapping[Behaviour, tuple[Phase, str]]] = {
    Behaviour.REFUSE: (Phase.CONNECTING, "the connection was refused"),
    Behaviour.RESET: (Phase.RECEIVING, "the connection was reset"),
    Behaviour.SILENCE: (Phase.RECEIVING, "no answer came in time"),
    Behaviour.TRUNCATE: (Phase.RECEIVING, "the answer broke off"),
    Behaviour.BAD_CHUNKS: (Phase.RECEIVING, "the answer is no HTTP"),
    Behaviour.HALF_STATUS: (Phase.RECEIVING, "the answer broke off"),
    Behaviour.HALF_HEADERS: (Phase.RECEIVING, "the answer broke off"),
    Behaviour.GARBAGE: (Phase.RECEIVING, "the answer is no HTTP"),
    Behaviour.TLS: (Phase.RECEIVING, "the answer is no HTTP"),
}
"""Where a transport would see each broken answer, and what it would call it."""


def simulators_of(providers: Iterable[Provider]) -> dict[str, Simulator]:
    """The simulators by provider name.

    Raises:
        ConfigurationError: none of the providers has one.
    """
    found = {provider.info.name: provider.simulator() for provider in providers}
    simulators = {name: simulator for name, simulator in found.items() if simulator is not None}
    if not simulators:
        hint = "Install a plugin: python -m pip install reelway-<provider>"
        raise ConfigurationError("No provider with a simulator is installed.", hint=hint)
    return simulators
