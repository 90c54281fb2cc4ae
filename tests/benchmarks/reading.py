"""What does it cost to read one answer into a task: decode, map, advance?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reelway import Registry, Task, TaskRef
from reelway.model.http import HttpResponse
from reelway.model.lifecycle import advance
from reelway.model.observation import Status
from reelway.provider.interface import Provider
from reelway.provider.reading import read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from tests.benchmarks.figures import Findings, Row, microseconds
from tests.benchmarks.measure import Scale, medians

MEANING: Final = """\
**Reading.** The time from the bytes of one answer to the task as it then is, together with its events: decoding,
finding the facts in the provider's places, giving the word its meaning, refusing another task's answer, and the
step of the lifecycle. The payloads are what each provider's simulator answers for a job whose progress has moved
and for one that has just finished; a provider with several dialects is given by its slowest. The baseline decodes
the same bytes into a `msgspec.Struct` with exactly their fields, which checks types and looks nothing up. An end
is believed only after its body has been read a second time, so that no key stands there twice with different
values; that is paid once for each task."""

BATCH: Final = 20

MOST: Final = 25e-6
SLOWER: Final = 3
BEYOND: Final = 10e-6

BORN: Final = datetime(2026, 1, 1, tzinfo=UTC)
NOW: Final = BORN + timedelta(minutes=2)

SAID: Final = {Status.RUNNING: "a running job", Status.SUCCEEDED: "a finished job"}


class Case(Struct, frozen=True):
    """One answer of one provider."""

    provider: Provider
    task: Task
    response: HttpResponse


class Timing(Struct, frozen=True):
    """Seconds for one answer."""

    ours: float
    bare: float

    @property
    def limit(self) -> float:
        return min(MOST, SLOWER * self.bare + BEYOND)


def run(scale: Scale) -> Findings:
    rows = [_row(provider, status, scale) for provider in Registry.installed().providers for status in SAID]
    return Findings(tuple(rows), (), MEANING)


def _row(provider: Provider, status: Status, scale: Scale) -> Row:
    timings = [_timing(case, scale) for case in cases(provider, status)]
    slowest = max(timings, key=lambda one: one.ours / one.limit)
    return Row(
        figure=f"reading {SAID[status]}, {provider.info.title}",
        ours=microseconds(slowest.ours),
        baseline=f"{microseconds(slowest.bare)}, bare decode",
        ratio=slowest.ours / slowest.bare,
        goal=f"≤ {microseconds(slowest.limit)} (25 µs, and 3 × bare + 10 µs)",
        met=slowest.ours <= slowest.limit,
    )


def cases(provider: Provider, status: Status) -> Iterator[Case]:
    """An answer for each of the provider's read paths."""
    simulator = provider.simulator()
    if simulator is None:
        return
    models = {provider.route(spec.name): spec.name for spec in reversed(provider.models.models)}
    for route, model in models.items():
        call = SimulatedCall(kind=CallKind.CREATE, route=route, fields={"model": model, "prompt": "A paper boat."})
        job = _job(simulator.new_id(call, 1), call, status)
        asked = SimulatedCall(kind=CallKind.RETRIEVE, route=route, task_id=job.task_id)
        task = Task.new(TaskRef(provider.info.name, "default", route, job.task_id), BORN)
        followed = replace(task, status=Status.RUNNING, confirmed=True, progress=10)
        yield Case(provider, followed, simulator.answer_retrieve(asked, job))


def _job(task_id: str, call: SimulatedCall, status: Status) -> SimulatedJob:
    done = status is Status.SUCCEEDED
    return SimulatedJob(
        task_id=task_id,
        call=call,
        status=status,
        created_at=BORN,
        updated_at=NOW,
        progress=100 if done else 40,
        video_url="https://cdn.example/videos/1.mp4?Expires=1767229200&Signature=ab12cd34ef56" if done else None,
        expires_at=NOW + timedelta(days=1) if done else None,
    )


def _timing(case: Case, scale: Scale) -> Timing:
    bare = msgspec.json.Decoder(wire_type(msgspec.json.decode(case.response.body)))
    works: dict[str, Callable[[], Any]] = {
        "ours": partial(read, case),
        "bare": partial(bare.decode, case.response.body),
    }
    found = medians({name: partial(_each, work, scale.readings) for name, work in works.items()}, scale.rounds)
    return Timing(**found)


def read(case: Case) -> Any:
    """What a client does with each answer to a poll."""
    task = case.task
    return advance(task, read_retrieve(case.provider, case.response, task.ref.route, task.id), NOW)


def _each(work: Callable[[], Any], times: int) -> float:
    """Seconds for one, from the median of small batches, so that what else the machine does is not counted."""
    return median(_batch(work) for _ in range(times // BATCH)) / BATCH


def _batch(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    for _ in range(BATCH):
        work()
    return time.perf_counter() - begun


def wire_type(value: Any) -> Any:
    """The type of a JSON value, objects as structs with exactly their fields."""
    if isinstance(value, dict):
        fields = [(f"field_{number}", wire_type(one)) for number, one in enumerate(value.values())]
        names = {field: key for (field, _), key in zip(fields, value, strict=True)}
        return msgspec.defstruct("Wire", fields, rename=names)
    if isinstance(value, list):
        return list[wire_type(value[0])] if value else list[Any]  # type: ignore[misc]
    return Any if value is None else type(value)
