"""What the manual shows of engines that are not installed here is run with stand-ins for them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from reelway.engines import EngineWork
from tests.docs.pages import DOCS, blocks


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long each sweep was asked for."""
    asked: list[float] = []

    async def sweep(work: EngineWork, seconds: float) -> int:
        asked.append(seconds)
        return 0

    monkeypatch.setattr(EngineWork, "sweep", sweep)
    return asked


def shown(engine: str) -> dict[str, Any]:
    """What the only block that imports an engine defines."""
    [code] = [block.text for block in blocks(DOCS / "engines.md") if f"from {engine} import" in block.text]
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(code, "engines.md", "exec"), names)  # noqa: S102 - this is what the test is about
    return names


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    module = ModuleType(name)
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, name, module)


def same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def test_each_beat_of_celery_sweeps_until_the_next(monkeypatch: pytest.MonkeyPatch, swept: list[float]) -> None:
    tasks: dict[str, Callable[[], None]] = {}

    class Celery:
        def __init__(self, name: str, *, broker: str) -> None:
            self.conf = SimpleNamespace(beat_schedule={})

        def task(self, *, name: str, ignore_result: bool) -> Callable[..., Any]:
            return lambda function: tasks.setdefault(name, function)

    stand_in(monkeypatch, "celery", Celery=Celery)
    schedule = shown("celery")["app"].conf.beat_schedule
    for entry in schedule.values():
        tasks[entry["task"]]()
    assert swept == [entry["schedule"] for entry in schedule.values()] == [10, 10]


def test_a_workflow_of_temporal_sweeps_and_begins_anew(monkeypatch: pytest.MonkeyPatch, swept: list[float]) -> None:
    again: list[int] = []

    async def execute_activity(activity: Callable[[], Any], **_: Any) -> Any:
        return await activity()

    workflow = SimpleNamespace(defn=same, run=same, execute_activity=execute_activity, continue_as_new=again.append)
    stand_in(monkeypatch, "temporalio", activity=SimpleNamespace(defn=same), workflow=workflow)
    stand_in(monkeypatch, "temporalio.common", RetryPolicy=SimpleNamespace)
    asyncio.run(shown("temporalio")["Shard"]().run(3))
    assert (swept, again) == ([30, 30, 30], [3])
