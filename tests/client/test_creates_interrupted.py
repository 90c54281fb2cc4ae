"""Creates that are cut short or that meet each other: whatever happens, no create is sent twice nor forgotten."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import pytest

from reelway import AsyncClient, Client, Submission, SubmissionUnknown, Task
from tests.client.both import Both
from tests.client.counting import HEAD, KEY, MADE, PARTIES, PATIENCE, Party, accepts, ended, json_says, states
from tests.transport.rogue import Manner, RogueServer, Visit, bounded, in_turn, is_silent

LARGE: Final = "cat " * (2 << 20)
"""A prompt that no buffer between the two sides can hold."""


class Moment(NamedTuple):
    """How far a create has got when something happens to it.

    Attributes:
        treat: what the server then does, once it has called a function to tell of it.
        seen: how many creates the server has seen the beginning of.
        scheme: how it is reached.
        prompt: what is asked for.
    """

    treat: Callable[[Callable[[], None]], Manner]
    seen: int = 1
    scheme: str = "http"
    prompt: str = "A cat."


def tells(manner: Manner) -> Callable[[Callable[[], None]], Manner]:
    """Take the request, tell of it and go on in a manner."""

    def treat(tell: Callable[[], None]) -> Manner:
        def all_of_it(visit: Visit) -> None:
            visit.read_request()
            tell()
            manner(visit)

        return all_of_it

    return treat


def tells_early(tell: Callable[[], None]) -> Manner:
    """Tell of the first bytes, and take no more."""

    def manner(visit: Visit) -> None:
        visit.hear()
        tell()
        visit.wait()

    return manner


def waits(visit: Visit) -> None:
    visit.wait()


def says_more(data: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.say(data)
        visit.wait()

    return manner


MOMENTS: Final[dict[str, Moment]] = {
    "in the handshake": Moment(tells_early, seen=0, scheme="https"),
    "while it is sent": Moment(tells_early, prompt=LARGE),
    "before the answer": Moment(tells(waits)),
    "in the headers": Moment(tells(says_more(HEAD[:30]))),
    "in the body": Moment(tells(says_more(HEAD + MADE))),
}


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    yield
    # A socket that nobody closed is told of when it is collected.
    gc.collect()


def assert_in_doubt(error: BaseException, steps: list[Submission]) -> None:
    """Whoever was interrupted is told that a task may exist, and so is whoever keeps the record."""
    assert states(steps) == ["intent", "sending", "ambiguous"]
    [note] = error.__notes__
    assert "a task may exist and be billed" in note
    assert steps[-1].id in note
    assert KEY not in note


def of_tasks(caller: Both) -> AsyncClient:
    assert isinstance(caller.client, AsyncClient)
    return caller.client


# --- cancelled ---

IN_TASKS: Final = [party for party in PARTIES if party.kind is AsyncClient]
"""Threads can neither be cancelled nor leave an event loop behind."""


@pytest.mark.parametrize("party", IN_TASKS, ids=str)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cancelled_create_is_seen_once_at_most_and_left_in_doubt(
    party: Party, steps: list[Submission], moment: str
) -> None:
    reached, now = threading.Event(), MOMENTS[moment]

    async def main(client: AsyncClient) -> None:
        creating = asyncio.create_task(client.create(now.prompt, model=party.model))
        await asyncio.to_thread(reached.wait, 5)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await creating
        assert_in_doubt(caught.value, steps)

    with RogueServer(in_turn(now.treat(reached.set), accepts)) as server, bounded(3):
        url = f"{now.scheme}://127.0.0.1:{server.port}"
        with party.at(url, on_submission=steps.append) as caller:
            caller.run(main(of_tasks(caller)))
    assert (server.creates, len(server.visits)) == (now.seen, 1)


@pytest.mark.parametrize("party", IN_TASKS, ids=str)
def test_a_create_that_its_caller_gives_no_more_time_is_left_in_doubt(
    party: Party, steps: list[Submission]
) -> None:
    async def main(client: AsyncClient) -> Task:
        async with asyncio.timeout(PATIENCE):
            return await client.create("A cat.", model=party.model)

    with (
        RogueServer(in_turn(is_silent, accepts)) as server,
        party.at(server.url, on_submission=steps.append) as caller,
        bounded(3),
        pytest.raises(TimeoutError) as caught,
    ):
        caller.run(main(of_tasks(caller)))
    # Some patch releases of Python also name it as the cause.
    assert caught.value.__context__ is not None
    assert_in_doubt(caught.value.__context__, steps)
    assert (server.creates, len(server.visits)) == (1, 1)


@pytest.mark.parametrize("party", IN_TASKS, ids=str)
def test_a_create_that_its_event_loop_leaves_behind_is_in_doubt(party: Party, steps: list[Submission]) -> None:
    reached, left_behind = threading.Event(), []

    async def main(client: AsyncClient) -> None:
        left_behind.append(asyncio.create_task(client.create("A cat.", model=party.model)))
        await asyncio.to_thread(reached.wait, 5)

    with RogueServer(in_turn(tells(waits)(reached.set), accepts)) as server, bounded(3):
        asyncio.run(main(of_tasks(party.at(server.url, on_submission=steps.append))))
    assert states(steps) == ["intent", "sending", "ambiguous"]
    assert (server.creates, len(server.visits)) == (1, 1)


# --- Ctrl-C ---


def press_ctrl_c() -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGINT)


def interrupted(party: Party, url: str, steps: list[Submission], prompt: str) -> BaseException:
    """What carries the trace of a create that Ctrl-C interrupted."""
    with party.at(url, on_submission=steps.append) as client, pytest.raises(KeyboardInterrupt) as caught:
        client.create(prompt, model=party.model)
    # The event loop turns Ctrl-C into a cancellation and back.
    cancellation = caught.value.__context__
    return caught.value if party.kind is Client or cancellation is None else cancellation


# The library forgets a connection that Ctrl-C meets in its handshake; it is closed when it is collected.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads here")
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_during_a_create_leaves_it_in_doubt(party: Party, steps: list[Submission], moment: str) -> None:
    now = MOMENTS[moment]
    with RogueServer(in_turn(now.treat(press_ctrl_c), accepts)) as server, bounded(3):
        error = interrupted(party, f"{now.scheme}://127.0.0.1:{server.port}", steps, now.prompt)
    assert_in_doubt(error, steps)
    assert (server.creates, len(server.visits)) == (now.seen, 1)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads here")
def test_ctrl_c_while_the_host_is_looked_up_sends_nothing(
    party: Party, steps: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    def look_up(*_: Any, **__: Any) -> Any:
        press_ctrl_c()
        may_end.wait(0.05)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with RogueServer(accepts) as server, bounded(3):
        error = interrupted(party, f"http://api.example:{server.port}", steps, "A cat.")
    assert_in_doubt(error, steps)
    assert not server.visits


# --- closed ---


@pytest.mark.parametrize("answer", [MADE, b""], ids=["answered", "cut"])
def test_a_client_that_is_closed_during_a_create_does_not_cut_off_its_answer(
    party: Party, steps: list[Submission], answer: bytes
) -> None:
    closing: list[Callable[[], None]] = []

    def manner(visit: Visit) -> None:
        visit.read_request()
        closing.pop()()
        visit.say(json_says(answer)) if answer else visit.reset()

    async def main(client: AsyncClient) -> Task:
        loop = asyncio.get_running_loop()
        closing.append(lambda: asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(5))
        return await client.create("A cat.", model=party.model)

    with (
        RogueServer(in_turn(manner, accepts)) as server,
        party.at(server.url, on_submission=steps.append) as caller,
        bounded(3),
    ):
        client = caller.client
        if isinstance(client, AsyncClient):
            end = ended(lambda: caller.run(main(client)))
        else:
            closing.append(client.close)
            end = ended(lambda: client.create("A cat.", model=party.model))
    assert isinstance(end, Task if answer else SubmissionUnknown)
    assert states(steps) == ["intent", "sending", "accepted" if answer else "ambiguous"]
    assert (server.creates, len(server.visits)) == (1, 1)


# --- several at once ---


def names_the_prompt(visit: Visit) -> None:
    """Answer polls and creates alike, and give each task the number in its prompt for an id."""
    while request := visit.read_request():
        found = re.search(rb"number (\d+)|task_(\d+) ", request)
        assert found is not None
        number = found[1] or found[2]
        visit.say(json_says(b'{"id":"task_%s","status":"queued"}' % number))


def test_creates_at_once_are_each_sent_once_and_get_each_their_own_task(party: Party) -> None:
    numbers = range(32)

    async def all_at_once(client: AsyncClient) -> list[Task]:
        return await asyncio.gather(*(client.create(f"Cat number {one}.", model=party.model) for one in numbers))

    with RogueServer(names_the_prompt) as server, party.at(server.url) as caller:
        client = caller.client
        if isinstance(client, AsyncClient):
            tasks = caller.run(all_at_once(client))
        else:
            with ThreadPoolExecutor(16) as threads:
                tasks = list(
                    threads.map(lambda one: client.create(f"Cat number {one}.", model=party.model), numbers)
                )
    assert [task.id for task in tasks] == [f"task_{one}" for one in numbers]
    assert server.creates == len(server.visits) == len(numbers)


def test_a_create_shares_no_connection_with_polls_nor_with_another_create(party: Party) -> None:
    with RogueServer(names_the_prompt) as server, party.at(server.url) as client:
        for number in range(3):
            task = client.create(f"Cat number {number}.", model=party.model)
            assert client.retrieve(task).id == task.id == f"task_{number}"
    assert server.creates == 3
    assert [len(visit.requests) for visit in server.visits] == [1, 3, 1, 1]


# --- another process, another event loop ---

FORKING: Final = """
    import asyncio, os, sys, warnings
    from reelway import Account, AsyncClient, Client, Task

    # A fork inherits the sockets of its parent, and nobody there closes them.
    warnings.simplefilter("ignore", ResourceWarning)
    kind, library, provider, url, model = sys.argv[1:]

    def run(name, *arguments, **options):
        result = getattr(client, name)(*arguments, **options)
        return result if isinstance(result, Task) else asyncio.run(result)

    account = Account(provider, api_key="sk-SECRETKEY", base_url=url, requests_per_second=1000)
    client = {"Client": Client, "AsyncClient": AsyncClient}[kind](account, http=library)
    tasks = [run("create", "Cat number 1.", model=model)]
    run("retrieve", tasks[0])
    child = os.fork()
    number = 2 if child else 3
    tasks.append(run("create", f"Cat number {number}.", model=model))
    seen = [run("retrieve", task).id for task in tasks]
    if not child:
        os._exit(0 if seen == ["task_1", "task_3"] else 1)
    _, status = os.waitpid(child, 0)
    sys.exit(0 if (seen, status) == (["task_1", "task_2"], 0) else 1)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no forks here")
def test_a_forked_client_shares_no_connection_with_its_parent(party: Party) -> None:
    with RogueServer(names_the_prompt) as server:
        arguments = (party.kind.__name__, party.library, party.provider, server.url, party.model)
        program = [sys.executable, "-c", textwrap.dedent(FORKING), *arguments]
        ended = subprocess.run(program, timeout=30, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert server.creates == 3
    # Creates have a connection each, polls share one in each process, and in asyncio in each event loop.
    requests = [1] * 8 if party.kind is AsyncClient else [1, 1, 1, 2, 3]
    assert sorted(len(visit.requests) for visit in server.visits) == requests


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("party", IN_TASKS, ids=str)
def test_a_client_serves_one_event_loop_after_the_other(party: Party, steps: list[Submission]) -> None:
    async def crowd(client: AsyncClient, number: int) -> list[Task]:
        task = await client.create(f"Cat number {number}.", model=party.model)
        return await asyncio.gather(*(client.retrieve(task) for _ in range(40)))

    with RogueServer(names_the_prompt) as server:
        client = of_tasks(party.at(server.url, on_submission=steps.append))
        for number in (1, 2):
            assert {task.id for task in asyncio.run(crowd(client, number))} == {f"task_{number}"}
        asyncio.run(client.aclose())
        # What the first loop left open is closed when it is collected.
        gc.collect()
    assert server.creates == 2
