"""Observers are told of both clients alike, cost no task anything, and are shown nothing that opens anything."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from reelway import ConfigurationError, Registry, Status, StatusChanged, Task
from reelway.errors import SubmissionUnknown
from reelway.model.exchange import HttpExchange
from reelway.model.http import HttpRequest, HttpResponse
from reelway.observing import WAITING, Observing
from reelway.provider.hookspecs import OBSERVERS, hookimpl
from reelway.provider.observer import GivenPlugin, Observer
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock, in_process
from tests.acme import Acme
from tests.client.both import CLIENTS, Both, Kind

KEY = "sk-canary-of-the-key"


class Diary:
    """Writes down what it is told, and in which thread."""

    def __init__(self) -> None:
        self.tasks: list[tuple[Task, tuple[Any, ...]]] = []
        self.exchanges: list[HttpExchange] = []
        self.threads: set[int] = set()

    @hookimpl
    def reelway_task_changed(self, task: Task, events: tuple[Any, ...]) -> None:
        self.threads.add(threading.get_ident())
        self.tasks.append((task, events))

    @hookimpl
    def reelway_http_exchange(self, exchange: HttpExchange) -> None:
        self.exchanges.append(exchange)


class TasksOnly:
    """Takes one hook, and of its arguments one."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    @hookimpl
    def reelway_task_changed(self, task: Task) -> None:
        self.tasks.append(task)


class Raising:
    """Fails over everything, each time with another kind of error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @hookimpl
    def reelway_task_changed(self, task: Task) -> None:
        raise self.error


class Stuck:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.called = threading.Event()

    @hookimpl
    def reelway_http_exchange(self, exchange: HttpExchange) -> None:
        self.called.set()
        self.let.wait(60)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sandbox(clock: VirtualClock) -> Sandbox:
    return Sandbox(clock=clock, job_seconds=30)


Open = Callable[..., Both]


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def opened(request: pytest.FixtureRequest, clock: VirtualClock, sandbox: Sandbox) -> Open:
    """Opens a client of either kind with the given observers, at a sandbox in process."""
    kind: Kind = request.param

    def open_client(*observers: object, registry: Registry | None = None, respond: Any = None) -> Both:
        options = {"base_url": sandbox.base_url("cometapi"), "api_key": KEY, "clock": clock, "registry": registry}
        transport = in_process(respond or sandbox.respond)
        return Both(kind, "cometapi", transport=transport, observers=observers, **options)

    return open_client


def test_each_change_and_each_exchange_is_told_in_order(opened: Open, sandbox: Sandbox) -> None:
    diary = Diary()
    with opened(diary) as client:
        client.wait(client.create(model="seedance-2"))
    ways = [event.after for _, events in diary.tasks for event in events if isinstance(event, StatusChanged)]
    assert ways == [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]
    assert [one.method for one in diary.exchanges] == ["POST", *["GET"] * sandbox.ledger.polls]
    assert {(one.provider, one.account, one.status, one.phase) for one in diary.exchanges} == {
        ("cometapi", "default", 200, "receiving")
    }


def test_observers_are_told_in_a_thread_of_their_own(opened: Open) -> None:
    diary = Diary()
    with opened(diary) as client:
        client.create(model="seedance-2")
    assert diary.threads
    assert threading.get_ident() not in diary.threads


def test_an_observer_takes_what_it_wants(opened: Open) -> None:
    one, other = TasksOnly(), Diary()
    with opened(one, other) as client:
        task = client.create(model="seedance-2")
    assert [seen.ref for seen in one.tasks] == [task.ref]
    assert len(other.exchanges) == 1


def test_an_exchange_shows_no_key_no_query_no_body_and_no_link(opened: Open) -> None:
    diary = Diary()
    with opened(diary) as client:
        task = client.wait(client.create("A secret boat", model="seedance-2"))
    shown = repr(diary.exchanges)
    link = task.videos[0].url.reveal()
    for secret in (KEY, "secret boat", "?", link, link.partition("?")[0]):
        assert secret not in shown


def test_a_broken_exchange_is_told_with_its_phase(opened: Open, sandbox: Sandbox, clock: VirtualClock) -> None:
    diary = Diary()

    def broken(request: HttpRequest) -> HttpResponse:
        clock.advance(2.5)
        raise ConnectionResetError(104, "Connection reset by peer")

    with opened(diary, respond=broken) as client, pytest.raises(SubmissionUnknown):
        client.create(model="seedance-2")
    [seen] = diary.exchanges
    assert (seen.status, seen.phase, seen.seconds) == (None, "sending", 2.5)
    assert seen.reason


@pytest.mark.parametrize("error", [ValueError("no luck"), SystemExit("bye"), KeyboardInterrupt()], ids=repr)
def test_a_raising_observer_is_reported_once_and_harms_nothing(
    opened: Open, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    diary = Diary()
    with opened(Raising(error), diary) as client:
        assert client.wait(client.create(model="seedance-2")).status is Status.SUCCEEDED
    [told] = [record.getMessage() for record in caplog.records if "observer" in record.getMessage()]
    assert told.startswith("The observer 'Raising' (the program itself): reelway_task_changed raised ")
    assert type(error).__name__ in told
    assert f"({__file__}, line " in told
    assert len(diary.tasks) >= 3


def test_a_stuck_observer_holds_up_no_task(opened: Open, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr("reelway.observing.PARTING", 0.01)
    stuck = Stuck()
    with opened(stuck) as client:
        task = client.wait(client.create(model="seedance-2"))
        assert stuck.called.wait(30)
        assert task.status is Status.SUCCEEDED
    stuck.let.set()


def test_what_a_slow_observer_costs_is_told(caplog: pytest.LogCaptureFixture) -> None:
    observer = Observer(GivenPlugin(diary := Diary()), diary)
    for seconds in (0.9, 1.5, 3.0):
        observer.took("reelway_http_exchange", seconds)
    [record] = caplog.records
    assert "reelway_http_exchange took 1.5 seconds for one call; no task waits for it" in record.getMessage()


def exchange(number: int = 0) -> HttpExchange:
    path = f"v1/{number}"
    where = {"provider": "acme", "account": "default", "method": "GET", "path": path}
    return HttpExchange(**where, status=200, seconds=1, phase="receiving")


def test_what_does_not_fit_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("reelway.observing.PARTING", 0.01)
    stuck = Stuck()
    observing = Observing([Observer(GivenPlugin(stuck), stuck)])
    observing.http_exchange(exchange())
    assert stuck.called.wait(30)
    for number in range(WAITING + 3):
        observing.http_exchange(exchange(number))
    observing.close()
    stuck.let.set()
    assert [record.getMessage() for record in caplog.records] == [
        f"Observers are too slow: {WAITING + 3} facts were not told."
    ]


def test_without_observers_there_is_no_thread_and_no_work() -> None:
    before = threading.active_count()
    observing = Observing([])
    observing.http_exchange(exchange())
    observing.close()
    assert threading.active_count() == before
    assert not observing.hears("reelway_http_exchange")


def test_a_client_that_is_never_closed_leaves_no_thread() -> None:
    diary = Diary()
    observing = Observing([Observer(GivenPlugin(diary), diary)])
    observing.http_exchange(exchange())
    for thread in threading.enumerate():
        if thread.name == "reelway-observers":
            thread.join(30)
    assert [one.path for one in diary.exchanges] == ["v1/0"]
    observing.http_exchange(exchange(1))
    observing.close()
    assert [one.path for one in diary.exchanges] == ["v1/0", "v1/1"]


def test_where_no_thread_can_be_started_no_task_suffers(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "reelway-observers":
            raise RuntimeError("can't start new thread")
        start(thread)

    diary = Diary()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with opened(diary) as client:
        assert client.create(model="seedance-2").status is Status.QUEUED
    assert diary.exchanges == []
    assert "facts were not told" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_process_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.observing.PARTING", 0.01)
    stuck = Stuck()
    observing = Observing([Observer(GivenPlugin(stuck), stuck)])
    observing.http_exchange(exchange())
    assert stuck.called.wait(30)
    stuck.called.clear()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    observing.close()
    observing.http_exchange(exchange())
    assert stuck.called.wait(30)
    stuck.let.set()


class Deaf:
    """Has a hook without its mark."""

    def reelway_task_changed(self, task: Task) -> None:
        raise NotImplementedError


class Misspelt:
    """Has a hook that there is not."""

    @hookimpl
    def reelway_task_change(self, task: Task) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("observer", "reason"),
    [(Deaf(), "It observes nothing"), (Misspelt(), "unknown hook"), ("text", "nothing"), (Deaf, "It is a class")],
)
def test_what_is_no_observer_is_refused_at_once(observer: object, reason: str, opened: Open) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        opened(observer)


INSTALLED = """
import pathlib

from reelway.provider.hookspecs import hookimpl

HERE = pathlib.Path(__file__).with_suffix(".txt")


@hookimpl
def reelway_task_changed(task):
    with HERE.open("a") as file:
        print(task.status, file=file)
"""


def test_installed_observers_come_with_the_registry(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    name = f"invented_watch_{id(opened)}"
    (tmp_path / f"{name}.py").write_text(INSTALLED)
    entries = [EntryPoint("watch", name, OBSERVERS), EntryPoint("gone", "invented_nowhere", OBSERVERS)]
    registry = Registry(Registry.installed({}).providers, observers=entries)
    with opened(registry=registry) as client:
        client.create(model="seedance-2")
    assert (tmp_path / f"{name}.txt").read_text() == "queued\n"
    [told] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "The observer 'gone' (an unknown distribution, entry point gone = invented_nowhere) is broken" in told


def test_a_registry_of_ones_own_has_no_installed_observers() -> None:
    assert Registry([Acme()]).load_observers() == ()
