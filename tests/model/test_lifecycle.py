"""Every pair of state and sighting does what the design's table says, whatever else an answer holds."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from reelway.model.lifecycle import (
    KEPT_UNKNOWN_WORDS,
    TRANSITIONS,
    Anomaly,
    ArtifactGone,
    Event,
    LinksRefreshed,
    NotFoundSeen,
    ProgressMoved,
    Seen,
    State,
    StatusChanged,
    UnknownWordSeen,
    advance,
    seen_in,
    state_of,
)
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.secret import Secret
from reelway.model.task import Artifact, Task, TaskRef

REF = TaskRef("acme", "main", "", "job-1")
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(hours=1)

FINAL = [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED]

# Written by hand from the design; the columns are those of `Seen`, in its order: queued, running, succeeded,
# failed, cancelled, expired, an unknown word, not found. A status is where the task moves to.
# fmt: off
EXPECTED = {
    State.NEW:
        ("queued", "running", "succeeded", "failed", "cancelled", "expired", "warn", "count"),
    State.QUEUED:
        ("stay", "running", "succeeded", "failed", "cancelled", "expired", "warn", "count"),
    State.RUNNING:
        ("requeue", "stay", "succeeded", "failed", "cancelled", "expired", "warn", "count"),
    State.SUCCEEDED:
        ("anomaly", "anomaly", "stay", "anomaly", "anomaly", "gone", "anomaly", "gone"),
    State.FAILED:
        ("anomaly", "anomaly", "loud anomaly", "stay", "anomaly", "stay", "anomaly", "stay"),
    State.CANCELLED:
        ("anomaly", "anomaly", "loud anomaly", "stay", "stay", "stay", "anomaly", "stay"),
    State.EXPIRED:
        ("anomaly", "anomaly", "loud anomaly", "stay", "anomaly", "stay", "anomaly", "stay"),
    State.LOST:
        ("queued", "running", "succeeded", "failed", "cancelled", "expired", "warn", "stay"),
}
# fmt: on

CELLS = [(state, seen, word) for state, row in EXPECTED.items() for seen, word in zip(Seen, row, strict=True)]


def task_in(state: State) -> Task:
    task = Task.new(REF, START)
    if state is State.NEW:
        return task
    known = replace(task, status=Status(state), confirmed=True, provider_status=f"a word for {state}")
    if state is State.SUCCEEDED:
        return replace(known, progress=100, artifact=Artifact.AVAILABLE)
    return known


def sighting(seen: Seen, **facts: Any) -> Observation:
    if seen is Seen.NOT_FOUND:
        return Observation(not_found=True, **facts)
    if seen is Seen.UNKNOWN_WORD:
        return Observation(provider_status="meditating", **facts)
    return Observation(provider_status=f"now {seen}", status=Status(seen), **facts)


def check_move(before: Task, after: Task, events: tuple[Event, ...], target: Status) -> None:
    assert (after.status, after.confirmed) == (target, True)
    was = before.status if before.confirmed else None
    word = f"now {target}"
    assert events[0] == StatusChanged(ref=REF, at=LATER, before=was, after=target, word=word)


def check_stay(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    assert after.status is before.status
    assert events == ()


def check_requeue(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    check_move(before, after, events, Status.QUEUED)
    assert after.setbacks == before.setbacks + 1


def check_warn(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    assert (after.status, after.unknown_words) == (before.status, ("meditating",))
    assert events == (UnknownWordSeen(ref=REF, at=LATER, word="meditating", kept=before.status),)


def check_count(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    assert after == replace(before, not_found_count=1, changed_at=LATER)
    assert events == (NotFoundSeen(ref=REF, at=LATER, count=1),)


def check_gone(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    assert after == replace(before, artifact=Artifact.GONE, changed_at=LATER)
    assert events == (ArtifactGone(ref=REF, at=LATER),)


def check_anomaly(before: Task, after: Task, events: tuple[Event, ...], *, loud: bool = False) -> None:
    assert after is before
    [event] = events
    assert isinstance(event, Anomaly)
    assert (event.held, event.held_word, event.loud) == (before.status, before.provider_status, loud)


def check_loud_anomaly(before: Task, after: Task, events: tuple[Event, ...]) -> None:
    check_anomaly(before, after, events, loud=True)


CHECKS: dict[str, Callable[[Task, Task, tuple[Event, ...]], None]] = {
    "stay": check_stay,
    "requeue": check_requeue,
    "warn": check_warn,
    "count": check_count,
    "gone": check_gone,
    "anomaly": check_anomaly,
    "loud anomaly": check_loud_anomaly,
}


@pytest.mark.parametrize(("state", "seen", "expected"), CELLS)
def test_each_cell_does_what_the_design_says(state: State, seen: Seen, expected: str) -> None:
    before = task_in(state)
    after, events = advance(before, sighting(seen), LATER)
    if expected in CHECKS:
        CHECKS[expected](before, after, events)
    else:
        check_move(before, after, events, Status(expected))


def test_no_cell_is_missing() -> None:
    assert list(TRANSITIONS) == list(State) == list(EXPECTED)
    assert all(set(row) == set(Seen) for row in TRANSITIONS.values())


def test_an_anomaly_holds_both_readings() -> None:
    _, [event] = advance(task_in(State.FAILED), sighting(Seen.RUNNING), LATER)
    assert event == Anomaly(
        ref=REF,
        at=LATER,
        held=Status.FAILED,
        held_word="a word for failed",
        seen=Seen.RUNNING,
        seen_word="now running",
        loud=False,
    )


# What may stand in any answer, beside the word.

URLS = st.sampled_from([Secret("https://cdn.example/1.mp4"), Secret("https://cdn.example/2.mp4")])
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SIDE_FACTS = st.fixed_dictionaries(
    {},
    optional={
        "progress": st.integers(0, 100),
        "provider_progress": st.sampled_from(["7", "7%"]),
        "model": st.sampled_from(["acme-1", "acme-2"]),
        "created_at": MOMENTS,
        "completed_at": MOMENTS,
        "expires_at": MOMENTS,
        "videos": st.tuples(st.builds(Video, url=URLS)),
        "failure": st.builds(Failure, kind=st.sampled_from(FailureKind), code=st.sampled_from(["1", None])),
    },
)
WORDS = st.sampled_from(["meditating", "MEDITATING", "unknown", "", None])
SOURCES = st.sampled_from(Source)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    facts: dict[str, Any] = draw(SIDE_FACTS) | {"source": draw(SOURCES), "verified": draw(st.booleans())}
    seen = draw(st.sampled_from(Seen))
    if seen is Seen.UNKNOWN_WORD:
        return Observation(provider_status=draw(WORDS), **facts)
    return sighting(seen, **facts)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """A task that some history led to, with or without its file on disk."""
    history = draw(st.lists(st.tuples(observations(), st.integers(0, 90)), max_size=8))
    task = led_through(Task.new(REF, START), history)
    return replace(task, artifact=draw(st.sampled_from([task.artifact, Artifact.PARTIAL, Artifact.STORED])))


def led_through(task: Task, history: Iterable[tuple[Observation, int]]) -> Task:
    now = START
    for observation, seconds in history:
        now += timedelta(seconds=seconds)
        task, _ = advance(task, observation, now)
    return task


@given(task=tasks(), observation=observations())
def test_what_the_provider_called_final_stays_final(task: Task, observation: Observation) -> None:
    after, _ = advance(task, observation, LATER)
    if task.status in FINAL:
        assert after.status is task.status


@given(task=tasks(), observation=observations())
def test_a_bad_end_is_never_touched_again(task: Task, observation: Observation) -> None:
    if task.status in {Status.FAILED, Status.CANCELLED, Status.EXPIRED}:
        assert advance(task, observation, LATER)[0] is task


@given(task=tasks(), observation=observations())
def test_every_answer_from_every_history_obeys_the_table(task: Task, observation: Observation) -> None:
    after, events = advance(task, observation, LATER)
    expected = EXPECTED[state_of(task)][list(Seen).index(seen_in(observation))]
    if is_ignored(task, observation, expected):
        assert (after, events) == (task, ())
    elif expected == "count":
        lost = any(isinstance(event, StatusChanged) for event in events)
        assert after.status is (Status.LOST if lost else task.status)
    else:
        target = Status.QUEUED if expected == "requeue" else expected
        assert after.status == (task.status if target in CHECKS else target)
    assert any(isinstance(event, Anomaly) for event in events) == (
        "anomaly" in expected and not is_ignored(task, observation, expected)
    )


def is_ignored(task: Task, observation: Observation, expected: str) -> bool:
    if observation.source is not Source.CALLBACK:
        return False
    return not observation.verified or expected == "requeue"


@given(task=tasks(), observation=observations())
def test_seeing_the_same_again_changes_nothing_but_a_count(task: Task, observation: Observation) -> None:
    once, _ = advance(task, observation, LATER)
    twice, events = advance(once, observation, LATER + timedelta(minutes=1))
    if observation.not_found and not once.final:
        assert replace(twice, changed_at=START, not_found_count=0, status=Status.LOST) == replace(
            once, changed_at=START, not_found_count=0, status=Status.LOST
        )
    else:
        assert twice is once
        assert all(isinstance(event, Anomaly) for event in events)


@given(task=tasks(), observation=observations())
def test_a_callback_that_nobody_verified_changes_nothing(task: Task, observation: Observation) -> None:
    claimed = replace(observation, source=Source.CALLBACK, verified=False)
    after, events = advance(task, claimed, LATER)
    assert after is task
    assert events == ()


@given(task=tasks(), observation=observations())
def test_published_progress_never_goes_down(task: Task, observation: Observation) -> None:
    after, events = advance(task, observation, LATER)
    assert (after.progress is None) <= (task.progress is None)
    assert (after.progress or 0) >= (task.progress or 0)
    published = [event.progress for event in events if isinstance(event, ProgressMoved)]
    assert published == ([after.progress] if after.progress != task.progress else [])


@given(task=tasks(), seen=st.sampled_from(Seen), one=SIDE_FACTS, other=SIDE_FACTS)
def test_the_status_never_follows_from_other_fields(
    task: Task, seen: Seen, one: dict[str, Any], other: dict[str, Any]
) -> None:
    after, events = advance(task, sighting(seen, **one), LATER)
    after_other, events_other = advance(task, sighting(seen, **other), LATER)
    assert after.status is after_other.status
    assert changes(events) == changes(events_other)


def changes(events: tuple[Event, ...]) -> list[Event]:
    return [event for event in events if isinstance(event, StatusChanged | Anomaly)]


@given(task=tasks(), observation=observations())
def test_a_task_is_the_same_object_or_says_when_it_changed(task: Task, observation: Observation) -> None:
    after, events = advance(task, observation, LATER)
    assert after is task or (after != task and after.changed_at == LATER)
    assert all(event.at == LATER and event.ref == REF for event in events)


@given(task=tasks(), observation=observations())
def test_only_an_end_brings_links_reasons_and_end_times(task: Task, observation: Observation) -> None:
    after, _ = advance(task, observation, LATER)
    if after.status is not Status.SUCCEEDED:
        assert after.videos == ()
    if after.status not in FINAL:
        assert (after.completed_at, after.failure) == (None, None)


# Not found.


def not_found(task: Task, *seconds: int) -> Task:
    return led_through_moments(task, [(Observation(not_found=True), second) for second in seconds])


def led_through_moments(task: Task, sightings: Iterable[tuple[Observation, int]]) -> Task:
    for observation, second in sightings:
        task, _ = advance(task, observation, START + timedelta(seconds=second))
    return task


@pytest.mark.parametrize("state", [State.NEW, State.QUEUED, State.RUNNING])
@pytest.mark.parametrize(
    ("seconds", "lost"),
    [
        ((1, 2, 3), False),
        ((1, 30, 59), False),
        ((1, 30, 60), True),
        ((1, 2, 3, 4, 5, 60), True),
        ((600,), False),
        ((600, 601), False),
        ((600, 601, 602), True),
    ],
)
def test_three_in_a_row_past_the_first_minute_make_a_task_lost(
    state: State, seconds: tuple[int, ...], lost: bool
) -> None:
    before = task_in(state)
    after = not_found(before, *seconds)
    assert after.status is (Status.LOST if lost else before.status)
    assert after.not_found_count == len(seconds)


@pytest.mark.parametrize("jump", [-86400, -3600, 0, 3600, 86400])
@pytest.mark.parametrize(("age", "lost"), [(0.0, False), (59.9, False), (60.0, True), (1e6, True)])
def test_an_age_that_was_measured_counts_and_not_the_wall_clock(jump: int, age: float, lost: bool) -> None:
    task = not_found(task_in(State.QUEUED), 1, 2)
    after, _ = advance(task, Observation(not_found=True), START + timedelta(seconds=jump), age)
    assert after.status is (Status.LOST if lost else Status.QUEUED)
    assert after.not_found_count == 3


@pytest.mark.parametrize("seen", [Seen.QUEUED, Seen.RUNNING, Seen.UNKNOWN_WORD])
def test_any_sighting_starts_the_count_again(seen: Seen) -> None:
    task = not_found(task_in(State.QUEUED), 100, 101)
    task, _ = advance(task, sighting(seen), START + timedelta(seconds=102))
    assert not_found(task, 103, 104).status is not Status.LOST


def test_losing_a_task_is_told_with_the_last_count() -> None:
    task = not_found(task_in(State.RUNNING), 100, 101)
    _, events = advance(task, Observation(not_found=True), LATER)
    assert events == (
        NotFoundSeen(ref=REF, at=LATER, count=3),
        StatusChanged(ref=REF, at=LATER, before=Status.RUNNING, after=Status.LOST, word=None),
    )


def test_a_task_that_was_never_described_has_no_status_before_it_is_lost() -> None:
    _, events = advance(not_found(task_in(State.NEW), 100, 101), Observation(not_found=True), LATER)
    assert events[-1] == StatusChanged(ref=REF, at=LATER, before=None, after=Status.LOST, word=None)


def test_a_lost_task_that_is_seen_again_is_followed_again() -> None:
    task = not_found(task_in(State.RUNNING), 100, 101, 102)
    found, _ = advance(task, sighting(Seen.RUNNING), LATER)
    assert (found.status, found.not_found_count) == (Status.RUNNING, 0)


# Single facts.


def test_a_late_callback_proves_no_setback() -> None:
    task = task_in(State.RUNNING)
    callback = sighting(Seen.QUEUED, source=Source.CALLBACK, verified=True)
    assert advance(task, callback, LATER) == (task, ())


def test_a_success_is_whole_and_available() -> None:
    links = (Video(url=Secret("https://cdn.example/1.mp4")),)
    seen = sighting(Seen.SUCCEEDED, videos=links, completed_at=LATER, progress=99)
    after, events = advance(task_in(State.RUNNING), seen, LATER)
    assert (after.progress, after.artifact, after.videos) == (100, Artifact.AVAILABLE, links)
    assert after.completed_at == LATER
    assert events[1:] == (ProgressMoved(ref=REF, at=LATER, progress=100),)


def test_a_success_needs_no_link() -> None:
    after, _ = advance(task_in(State.RUNNING), sighting(Seen.SUCCEEDED), LATER)
    assert (after.status, after.videos) == (Status.SUCCEEDED, ())


def test_a_failed_job_keeps_the_progress_it_had() -> None:
    task = replace(task_in(State.RUNNING), progress=40)
    after, events = advance(task, sighting(Seen.FAILED, progress=100, provider_progress="100"), LATER)
    assert (after.progress, after.provider_progress) == (40, "100")
    assert len(events) == 1


def test_a_bad_end_says_why_and_when() -> None:
    why = Failure(code="1", message="no luck")
    after, _ = advance(task_in(State.RUNNING), sighting(Seen.FAILED, failure=why, completed_at=START), LATER)
    assert (after.failure, after.completed_at) == (why, START)


@pytest.mark.parametrize("seen", [Seen.RUNNING, Seen.UNKNOWN_WORD])
def test_progress_is_published_as_it_grows(seen: Seen) -> None:
    task = replace(task_in(State.RUNNING), unknown_words=("meditating",))
    grown, events = advance(task, sighting(seen, progress=40), LATER)
    assert (grown.progress, events) == (40, (ProgressMoved(ref=REF, at=LATER, progress=40),))
    assert advance(grown, sighting(seen, progress=30), LATER)[0].progress == 40
    assert advance(grown, sighting(seen), LATER)[0].progress == 40


def test_a_missing_word_is_warned_about_once_as_well() -> None:
    task, [warning] = advance(task_in(State.RUNNING), Observation(), LATER)
    assert warning == UnknownWordSeen(ref=REF, at=LATER, word=None, kept=Status.RUNNING)
    assert task.unknown_words == ("",)
    assert advance(task, Observation(), LATER)[1] == ()


def test_an_unknown_word_is_warned_about_once() -> None:
    task = led_through(task_in(State.RUNNING), [(sighting(Seen.UNKNOWN_WORD), 1), (sighting(Seen.RUNNING), 1)])
    after, events = advance(task, sighting(Seen.UNKNOWN_WORD), LATER)
    assert events == ()
    assert (after.provider_status, after.unknown_words) == ("meditating", ("meditating",))


@pytest.mark.parametrize("state", State)
def test_that_a_task_is_lost_is_no_providers_to_say(state: State) -> None:
    said = Observation(provider_status="meditating", status=Status.LOST)
    assert seen_in(said) is Seen.UNKNOWN_WORD
    assert advance(task_in(state), said, LATER)[0].status is task_in(state).status


def test_a_provider_that_invents_words_cannot_make_us_keep_them_all() -> None:
    invented = [(Observation(provider_status=f"word {number}"), 1) for number in range(KEPT_UNKNOWN_WORDS + 4)]
    task = led_through(task_in(State.RUNNING), invented)
    assert len(task.unknown_words) == KEPT_UNKNOWN_WORDS
    assert task.provider_status == invented[-1][0].provider_status


def test_of_an_endless_word_no_more_is_kept_than_tells_it_from_others() -> None:
    endless = "x" * 1_000_000
    task = led_through(task_in(State.RUNNING), [(Observation(provider_status=endless), 1)] * 2)
    assert task.unknown_words == ("x" * 200,)
    assert task.provider_status == endless


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (State.FAILED, Seen.FAILED),
        (State.CANCELLED, Seen.CANCELLED),
        (State.EXPIRED, Seen.EXPIRED),
        (State.LOST, Seen.NOT_FOUND),
    ],
)
def test_a_bad_end_that_is_said_again_with_other_facts_adds_none(state: State, seen: Seen) -> None:
    task = task_in(state)
    after, events = advance(task, sighting(seen, progress=99, model="another", created_at=LATER), LATER)
    assert (after is task, events) == (True, ())


def test_other_links_of_a_finished_task_are_taken_over_and_told() -> None:
    old, new = (Video(url=Secret(f"https://cdn.example/{number}.mp4")) for number in (1, 2))
    task, _ = advance(task_in(State.RUNNING), sighting(Seen.SUCCEEDED, videos=(old,)), START)
    after, events = advance(task, sighting(Seen.SUCCEEDED, videos=(new,)), LATER)
    assert after.videos == (new,)
    assert events == (LinksRefreshed(ref=REF, at=LATER),)


def test_an_answer_without_links_does_not_take_the_known_ones_away() -> None:
    link = Video(url=Secret("https://cdn.example/1.mp4"))
    task, _ = advance(task_in(State.RUNNING), sighting(Seen.SUCCEEDED, videos=(link,)), START)
    assert advance(task, sighting(Seen.SUCCEEDED), LATER)[0].videos == (link,)


@pytest.mark.parametrize("seen", [Seen.RUNNING, Seen.UNKNOWN_WORD, Seen.SUCCEEDED])
def test_an_answer_that_leaves_facts_out_takes_none_away(seen: Seen) -> None:
    known = {"model": "acme-1", "created_at": START, "expires_at": LATER, "provider_progress": "7%"}
    task, _ = advance(task_in(State.NEW), sighting(Seen.RUNNING, **known), START)
    after, _ = advance(task, sighting(seen), LATER)
    assert {field: getattr(after, field) for field in known} == known


def test_a_task_has_ended_when_it_was_first_said_to_have_ended() -> None:
    task, _ = advance(task_in(State.RUNNING), sighting(Seen.SUCCEEDED, completed_at=START), START)
    assert advance(task, sighting(Seen.SUCCEEDED, completed_at=LATER), LATER)[0].completed_at == START


def test_an_end_time_may_be_told_later_than_the_end() -> None:
    ended = advance(task_in(State.RUNNING), sighting(Seen.SUCCEEDED), START)[0]
    assert advance(ended, sighting(Seen.SUCCEEDED, completed_at=START), LATER)[0].completed_at == START


@pytest.mark.parametrize("seen", [Seen.EXPIRED, Seen.NOT_FOUND])
@pytest.mark.parametrize(
    ("held", "then"),
    [
        (Artifact.AVAILABLE, Artifact.GONE),
        (Artifact.PARTIAL, Artifact.GONE),
        (Artifact.GONE, Artifact.GONE),
        (Artifact.STORED, Artifact.STORED),
    ],
)
def test_a_result_that_the_provider_dropped_is_gone_unless_we_hold_it(
    seen: Seen, held: Artifact, then: Artifact
) -> None:
    task = replace(task_in(State.SUCCEEDED), artifact=held)
    after, events = advance(task, sighting(seen), LATER)
    assert (after.status, after.artifact) == (Status.SUCCEEDED, then)
    assert len(events) == (held is not then)


@pytest.mark.parametrize(
    ("held", "then"),
    [
        (Artifact.GONE, Artifact.AVAILABLE),
        (Artifact.PARTIAL, Artifact.PARTIAL),
        (Artifact.STORED, Artifact.STORED),
    ],
)
def test_a_result_that_is_seen_again_is_available_again(held: Artifact, then: Artifact) -> None:
    task = replace(task_in(State.SUCCEEDED), artifact=held)
    assert advance(task, sighting(Seen.SUCCEEDED), LATER)[0].artifact is then


# Many answers in any order.


class Following(RuleBasedStateMachine):
    """One job, followed twice: by polls alone, and by polls among callbacks that come late, twice or never."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.told = [self.describe(Status.QUEUED)]
        self.polled = Task.new(REF, START)
        self.mixed = Task.new(REF, START)

    def describe(self, status: Status) -> Observation:
        """What the provider says of the job from now on."""
        facts: dict[str, Any] = {"model": "acme-1", "created_at": START}
        if status.final:
            facts |= {"completed_at": self.now, "provider_progress": "100"}
        if status is Status.SUCCEEDED:
            facts["videos"] = (Video(url=Secret("https://cdn.example/1.mp4"), expires_at=LATER),)
        elif status.final:
            facts["failure"] = Failure(code="1", message="no luck")
        return Observation(provider_status=f"now {status}", status=status, **facts)

    def see(self, observation: Observation) -> None:
        self.polled, _ = advance(self.polled, observation, self.now)
        self.mixed, _ = advance(self.mixed, observation, self.now)

    @property
    def truth(self) -> Observation:
        return self.told[-1]

    @property
    def ended(self) -> bool:
        return self.truth.status in FINAL

    @initialize()
    def create(self) -> None:
        self.see(replace(self.truth, source=Source.CREATE))

    @precondition(lambda self: not self.ended)
    @rule(status=st.sampled_from([status for status in Status if status is not Status.LOST]))
    def the_job_moves(self, status: Status) -> None:
        self.told.append(self.describe(status))

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(times=st.integers(1, 3))
    def poll(self, times: int) -> None:
        for _ in range(times):
            self.see(self.truth)
        assert self.mixed.status is self.polled.status is self.truth.status

    @rule(times=st.integers(1, 4))
    def poll_in_vain(self, times: int) -> None:
        for _ in range(times):
            self.see(Observation(not_found=True))

    @rule(progress=st.integers(0, 100))
    def poll_an_unknown_word(self, progress: int) -> None:
        self.see(Observation(provider_status="meditating", progress=progress))

    @rule(which=st.integers(0), verified=st.booleans(), times=st.integers(1, 3))
    def callback(self, which: int, verified: bool, times: int) -> None:
        said = self.told[which % len(self.told)]
        for _ in range(times):
            seen = replace(said, source=Source.CALLBACK, verified=verified)
            self.mixed, _ = advance(self.mixed, seen, self.now)

    def teardown(self) -> None:
        if not self.ended:
            self.the_job_moves(Status.SUCCEEDED)
        self.poll(1)
        assert what_counts(self.mixed) == what_counts(self.polled)


def what_counts(task: Task) -> Task:
    """A finished task without the traces of the way that led there."""
    progress = task.progress if task.status is Status.SUCCEEDED else None
    return replace(task, changed_at=START, unknown_words=(), setbacks=0, progress=progress)


TestAnyOrderOfAnswersLeadsWherePollingAloneLeads = Following.TestCase
