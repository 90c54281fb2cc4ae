"""What ``reelway track --engine procrastinate`` runs: workers whose jobs are in the ledger's own schema."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException, ProcrastinateException
from procrastinate.schema import SchemaManager

from reelway.engines import EngineWork
from reelway.errors import ConfigurationError, ReelwayError
from reelway.model.secret import Secret
from reelway.provider.hookspecs import hookimpl
from reelway_postgres import Address, bare, ledger_error
from reelway_procrastinate.jobs import NAMESPACE, SWEEPS, blueprint

logger: Final = logging.getLogger("reelway")

AT_ONCE: Final[Mapping[str, int]] = {SWEEPS: 1, NAMESPACE: 8}
"""How many jobs of each queue a process does at a time; a second sweep would only take from the first."""

PAUSE: Final = 1.0
"""Seconds before the database is tried again."""

GRACE: Final = 4.0
"""Seconds for jobs under way when a worker stops; what is cut short is done again."""

ALONE: Final = "select pg_advisory_xact_lock(hashtextextended('reelway procrastinate ' || current_schema(), 0))"


def jobs_app(work: EngineWork, *, shards: int = 1) -> App:
    """The Procrastinate application of ``reelway track``, to hand in jobs that its workers do.

    Raises:
        ConfigurationError: the ledger is not in PostgreSQL.
    """
    # No connection is waited for that nobody needs yet, and none is tried behind anybody's back.
    pool: dict[str, Any] = {"min_size": 0, "max_size": 4, "timeout": 3.0, "reconnect_timeout": 1.0}
    app = App(connector=PsycopgConnector(conninfo=_address(work).conninfo.reveal(), **pool))
    app.add_tasks_from(blueprint(work, shards=shards), namespace=NAMESPACE)
    return app


@hookimpl
async def reelway_engine(work: EngineWork, shards: int, stop: asyncio.Event) -> None:
    """Run a worker for the sweeps, and one for all else; create Procrastinate's tables where there are none."""
    address = _address(work)
    await work.open()
    await asyncio.to_thread(_prepare, address)
    # The one log shows the arguments of jobs, and so whatever a request holds; the other, each try to connect.
    for name in ("procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.get_running_loop().set_exception_handler(_unless_away)
    workers = [asyncio.create_task(_work(jobs_app(work, shards=shards), queue, stop)) for queue in AT_ONCE]
    try:
        await asyncio.gather(*workers)
    finally:
        # Whatever ends one of them ends the process, so that somebody starts it anew.
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(app: App, queue: str, stop: asyncio.Event) -> None:
    """Work until it is time to stop. A worker ends with its database; then it is begun anew."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            async with app.open_async():
                await _first(stopping, app.run_worker_async(**_ways(queue)))
        except ProcrastinateException as error:
            logger.warning("%s: the jobs cannot be reached; tried again in a second.", error.__cause__ or error)
        await asyncio.wait([stopping], timeout=PAUSE)


def _ways(queue: str) -> Any:
    return {
        "queues": [queue],
        "concurrency": AT_ONCE[queue],
        # Of a tick that failed nothing is missing, and the next one is seconds away.
        "delete_jobs": "always" if queue == SWEEPS else "successful",
        "install_signal_handlers": False,
        "shutdown_graceful_timeout": GRACE,
        "worker_middleware": [_told],
    }


async def _first(stopping: asyncio.Task[Any], work: Awaitable[None]) -> None:
    """Do the work, until it is time to stop."""
    working = asyncio.ensure_future(work)
    await asyncio.wait([stopping, working], return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _told(job: Callable[[], Awaitable[Any]], context: JobContext, _: object) -> Any:
    """Do a job, and say what went wrong."""
    try:
        return await job()
    except ReelwayError as error:
        # The message says it all.
        name, number = context.job.task_name, context.job.id
        logger.error("%s (job %s): %s %s", name, number, error.message, error.hint)  # noqa: TRY400
        raise


def _unless_away(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell what nobody has caught, but not that a job could not be written down as done: it is done again."""
    if not isinstance(context.get("exception"), ConnectorException):
        loop.default_exception_handler(context)


def _address(work: EngineWork) -> Address:
    if isinstance(work.ledger, Secret) and work.ledger.reveal().lower().startswith(("postgres:", "postgresql:")):
        return Address.of(work.ledger)
    message = "Procrastinate keeps its jobs beside the ledger, so the ledger has to be in PostgreSQL."
    raise ConfigurationError(message, hint="Name it as postgresql://user@host/database.")


def _prepare(address: Address) -> None:
    """Create Procrastinate's tables, unless somebody has."""
    try:
        with psycopg.connect(address.conninfo.reveal()) as connection:
            connection.execute(ALONE)
            if connection.execute("select to_regclass('procrastinate_jobs')").fetchone() == (None,):
                connection.execute(SchemaManager.get_schema())
    except psycopg.Error as error:
        raise ledger_error(address.name, error) from bare(error)
