"""A wall clock that is set, or that runs fast or slow, moves no interval, no deadline and no grace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway import Account, ReelwayError, Registry, Status, Task
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.lifecycle import NOT_FOUND_GRACE, NOT_FOUND_LIMIT
from reelway.operations import Settings
from reelway.sandbox.video import reel
from reelway.testing import VirtualClock, in_process
from reelway.testing.clock import START
from reelway.transport.http import HttpSettings
from tests.acme import ACME, LINK, refused, said, task
from tests.client.both import CLIENTS, Both, Kind

HOUR: Final = 3600.0
DAY: Final = 86400.0

Answer: TypeAlias = HttpResponse | Callable[[float], HttpResponse]
"""An answer, or one that depends on the provider's own time."""

MISSING: Final = refused(404, "task_not_exist")


class Disturbance(NamedTuple):
    """What happens to the wall clock: how fast it runs, and by how much it is set at each exchange in turn."""

    rate: float = 1.0
    jumps: tuple[float, ...] = (0.0,)


DISTURBANCES: Final = {
    "set back by an hour": Disturbance(jumps=(0.0, -HOUR, 0.0, 0.0, 0.0, 0.0, 0.0)),
    "set forward by a day": Disturbance(jumps=(0.0, DAY, 0.0, 0.0, 0.0, 0.0, 0.0)),
    "set at the create": Disturbance(jumps=(DAY, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    "set at every exchange": Disturbance(jumps=(-HOUR, DAY, -DAY, 2 * HOUR, 0.5, -0.5)),
    "slewed fast": Disturbance(rate=1.0005),
    "running twice as fast": Disturbance(rate=2.0),
    "standing still": Disturbance(rate=0.0),
    "running backwards": Disturbance(rate=-1.0),
}


class Desk:
    """A provider with a right clock of its own, and a client whose wall clock is disturbed at every exchange."""

    def __init__(self, kind: Kind, disturbance: Disturbance, answers: tuple[Answer, ...]) -> None:
        self.clock = VirtualClock(rate=disturbance.rate)
        self.diary: list[tuple[float, str, str]] = []
        self._jumps = cycle(disturbance.jumps)
        self._answers = iter(answers)
        settings = Settings(
            clock=self.clock, draw=lambda: 0.5, http=HttpSettings(transport=in_process(self._respond))
        )
        account = Account("acme", api_key="k", requests_per_second=1000)
        self.client = Both(kind, account, registry=Registry([ACME]), settings=settings)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        passed = self.clock.monotonic()
        self.diary.append((round(passed, 3), request.method, request.path))
        self.clock.jump(next(self._jumps))
        answer = next(self._answers)
        given = answer if isinstance(answer, HttpResponse) else answer(passed)
        return replace(given, headers=(*given.headers, ("Date", _written(passed))))


def _written(passed: float) -> str:
    return format_datetime(START + timedelta(seconds=passed), usegmt=True)


def asks_for(seconds: float, status: int = 503) -> Answer:
    """An answer that asks for patience until a moment of the provider's clock."""
    return lambda passed: refused(status, retry_after=_written(passed + seconds))


Story: TypeAlias = Callable[[Both, Path], Task]


def follows_a_fresh_task(client: Both, folder: Path) -> Task:
    return client.wait(client.create(model="m"))


def asks_again_and_again(client: Both, folder: Path) -> Task:
    return asked(client, 4)


def asked(client: Both, times: int) -> Task:
    """A fresh task after so many polls."""
    held = client.create(model="m")
    for _ in range(times):
        held = client.retrieve(held)
    return held


def cancels(client: Both, folder: Path) -> Task:
    return client.cancel(asked(client, NOT_FOUND_LIMIT - 1))


def downloads_too_early(client: Both, folder: Path) -> Task:
    held = asked(client, NOT_FOUND_LIMIT - 1)
    return client.download(held, folder / "v.mp4", overwrite=True).task


def follows_several(client: Both, folder: Path) -> Task:
    made = client.create(model="m")
    [waited] = client.as_completed([made], timeout=100)
    return waited.task


def waits_for_a_minute(client: Both, folder: Path) -> Task:
    return client.wait(client.create(model="m"), timeout=60)


def downloads(client: Both, folder: Path) -> Task:
    done = task(links=(LINK,), status=Status.SUCCEEDED, confirmed=True)
    return client.download(done, folder / "v.mp4", overwrite=True).task


RUNNING: Final = said("running")
DONE: Final = said("succeeded")

# Each begins with the answer to its create, where it makes one.
STORIES: Final[dict[str, tuple[Story, tuple[Answer, ...]]]] = {
    "intervals": (follows_a_fresh_task, (said("queued"), *[RUNNING] * 9, DONE)),
    "pauses": (follows_a_fresh_task, (said("queued"), refused(502), asks_for(90), RUNNING, asks_for(9, 429), DONE)),
    "a create that is turned away": (follows_a_fresh_task, (asks_for(20, 429), asks_for(7), said(None), DONE)),
    "a fresh id that is unknown for a while": (follows_a_fresh_task, (said("queued"), *[MISSING] * 5, DONE)),
    "an id that stays unknown": (follows_a_fresh_task, (said("queued"), *[MISSING] * 40)),
    "an id that is asked for by hand": (asks_again_and_again, (said("queued"), *[MISSING] * 4)),
    "a cancel": (cancels, (said("queued"), *[MISSING] * 3, HttpResponse(status=204), MISSING)),
    "a download too early": (downloads_too_early, (said("queued"), *[MISSING] * 3)),
    "several at once": (follows_several, (said("queued"), *[MISSING] * 3, RUNNING, asks_for(20), DONE)),
    "a deadline": (waits_for_a_minute, (said("queued"), *[RUNNING] * 20)),
    "a download": (
        downloads,
        (asks_for(40), asks_for(60, 429), HttpResponse(status=200, body=reel(), headers=(("Content-Type", ""),))),
    ),
}


class Course(NamedTuple):
    """What happened: every request at its time, how it ended, and when."""

    diary: list[tuple[float, str, str]]
    end: str
    seconds: float


def course(kind: Kind, story: str, disturbance: Disturbance, folder: Path) -> Course:
    tell, answers = STORIES[story]
    desk = Desk(kind, disturbance, answers)
    with desk.client as client:
        try:
            end = str(tell(client, folder).status)
        except ReelwayError as error:
            held = error.task and error.task.status
            end = f"{type(error).__name__} of a {held} task"
    return Course(desk.diary, end, round(desk.clock.monotonic(), 3))


def undisturbed(kind: Kind, story: str) -> Course:
    return _undisturbed(CLIENTS.index(kind), story)


@cache
def _undisturbed(kind: int, story: str) -> Course:
    with TemporaryDirectory() as folder:
        return course(CLIENTS[kind], story, Disturbance(), Path(folder))


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbed_wall_clock_changes_nothing(kind: Kind, story: str, name: str, tmp_path: Path) -> None:
    assert course(kind, story, DISTURBANCES[name], tmp_path) == undisturbed(kind, story)


@pytest.mark.parametrize("kind", CLIENTS)
@given(
    story=st.sampled_from(sorted(STORIES)),
    rate=st.floats(-2, 3),
    jumps=st.lists(st.floats(-10 * DAY, 10 * DAY), min_size=1, max_size=8).map(tuple),
)
def test_no_disturbance_changes_anything(
    kind: Kind, story: str, rate: float, jumps: tuple[float, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert course(kind, story, Disturbance(rate, jumps), folder) == undisturbed(kind, story)


GROWING: Final = [0, 4, 8, 13, 19.25, 27.062, 36.828, 46.828, 56.828, 66.828, 76.828]
"""When the create is made, and when a task that goes on is asked about."""

COURSES: Final = {
    "intervals": (Status.SUCCEEDED, GROWING),
    "pauses": (Status.SUCCEEDED, [0, 4, 12, 102, 106, 116]),
    "a create that is turned away": (Status.SUCCEEDED, [0, 20, 27, 31]),
    "a fresh id that is unknown for a while": (Status.SUCCEEDED, GROWING[:7]),
    "an id that stays unknown": ("TaskLost of a lost task", GROWING[:10]),
    "an id that is asked for by hand": (Status.QUEUED, [0] * 5),
    "a cancel": (Status.QUEUED, [0] * 6),
    "a download too early": ("DownloadError of a queued task", [0] * 4),
    "several at once": (Status.SUCCEEDED, [*GROWING[:6], 47.062]),
    "a deadline": ("WaitTimeout of a running task", [*GROWING[:9], 60]),
    "a download": (Status.SUCCEEDED, [0, 40, 100]),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_stories_are_what_they_are_called(kind: Kind, story: str) -> None:
    told = undisturbed(kind, story)
    assert (told.end, [at for at, _, _ in told.diary]) == COURSES[story]


def test_no_id_is_lost_within_its_grace(kind: Kind) -> None:
    lost_after = undisturbed(kind, "an id that stays unknown").seconds
    assert NOT_FOUND_GRACE.total_seconds() <= lost_after < NOT_FOUND_GRACE.total_seconds() + 10
