"""The facts beside the status: each is read in every form in which it comes, and none of them ends a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from reelway.errors import ProviderError
from reelway.model.observation import Failure, Observation, Status
from reelway.provider.canonical import Call
from reelway.provider.reading import BAD_ENDS, read_retrieve
from reelway.testing.contract.answers import Answer
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.documents import (
    Json,
    Spot,
    as_bytes,
    holders,
    put,
    put_all,
    reversed_members,
    shown,
    spots,
    value_at,
    verbatim,
)
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.places import (
    LINK,
    MODEL,
    MOMENT,
    MOMENTS,
    PROGRESS,
    REASON,
    STAMP,
    TASK_ID,
    Fact,
)
from reelway.testing.contract.subject import Subject

fields = Group("fields")

ODD: Final[tuple[Json, ...]] = (
    None,
    "",
    "contract",
    "<video-url>",
    0,
    -1,
    10**30,
    1.5,
    True,
    [],
    [[]],
    {},
    {"a": 1},
    verbatim("9" * 400),
)
"""Values that belong nowhere."""

PROGRESS_FORMS: Final = (
    *((0, 0), (50, 50), (100, 100), (50.0, 50), (12.7, 12)),
    *(("0", 0), ("50", 50), ("50%", 50), (" 50 % ", 50), ("100%", 100), ("99.9%", 99)),
)
"""What gateways write, and the percent it stands for."""

BEYOND: Final = (-5, 250, 10**30, verbatim("9" * 400), "-3%", "250%", "NaN", "Infinity", "soon")

EAST: Final = timezone(timedelta(hours=8))

MOMENT_FORMS: Final = (
    *(STAMP, float(STAMP), STAMP * 1000, str(STAMP), str(STAMP * 1000)),
    *(MOMENT.isoformat(), MOMENT.isoformat().replace("+00:00", "Z"), MOMENT.astimezone(EAST).isoformat()),
)
"""One moment in seconds, in milliseconds, and as ISO 8601."""

NO_MOMENTS: Final[tuple[Json, ...]] = (
    0,
    -1,
    10**18,
    verbatim("1e300"),
    "",
    "0",
    "soon",
    "0000-00-00T00:00:00Z",
    None,
    True,
    [],
    {},
)

LINKS: Final = (
    "https://cdn.contract.example/a%2Fb%20c/%E4%BD%A0.mp4?X-Sig=a%2Bb%3D%3D&e=1&e=2&empty=#t=0",
    "https://CDN.Contract.Example:8443/A.MP4?sig=%2f",
    "http://cdn.contract.example/v",
)

NO_LINKS: Final[tuple[Json, ...]] = (
    *("", " ", "pending", "<video-url>", "https://", "https:///v.mp4", "/v1/videos/1/content", "cdn.example/v.mp4"),
    *(
        "javascript:alert(1)",
        "data:video/mp4;base64,AAAA",
        "ftp://cdn.example/v.mp4",
        "https://cdn.example/a b.mp4",
    ),
    *("https://cdn.example/\nv.mp4", "The prompt was refused: see https://docs.example", None, 7, True, [], {}),
)

IDS: Final = ("task:1", "a/b c", "ü-1?x=y#z", "%41%2f", "0", "A" * 200, "01", "..a")

ENVELOPE_KEYS: Final = frozenset({"code", "error", "errno", "ret", "success", "ok", "status_code"})
"""Keys by which an answer tells that the call failed; a provider may refuse it for these."""

SIDE_FIELDS: Final = {
    "progress": 100,
    "completed_at": STAMP,
    "finished_at": STAMP,
    "video_url": LINKS[0],
    "url": LINKS[0],
    "done": True,
    "finished": True,
    "success": True,
    "failed": True,
    "contract_state": "failed",
}
"""What gateways fill in while a task still runs."""


@fields.check(needs=[Feature.PROGRESS])
def progress_is_read_in_every_form(subject: Subject) -> Iterator[str]:
    """One family writes 50, 50.0, "50" and "50%"; a user who sees nothing move cancels a paid job."""
    for written, percent in PROGRESS_FORMS:
        yield from _differs(subject, PROGRESS, written, percent)


@fields.check(needs=[Feature.PROGRESS])
def progress_stays_within_bounds(subject: Subject) -> Iterator[str]:
    """A number beyond 0 to 100, or none at all, must neither be shown nor cost the reading."""
    for written in (*BEYOND, *ODD):
        for answer, seen in _with(subject, PROGRESS, written):
            if isinstance(seen, str):
                yield seen
            elif seen.progress is not None and not 0 <= seen.progress <= 100:
                yield f"{answer.name}: progress {written!r} was read as {seen.progress}"


@fields.check(level=Level.SHOULD, needs=[Feature.PROGRESS])
def progress_is_kept_as_written(subject: Subject) -> Iterator[str]:
    """Beside the percent that is shown, the number as the provider wrote it tells what it meant."""
    for written, kept in ((37, "37"), ("37%", "37%")):
        for answer, seen in _with(subject, PROGRESS, written):
            if isinstance(seen, str) or seen.provider_progress != kept:
                yield f"{answer.name}: progress {written!r} is not kept in provider_progress"


@fields.check(needs=[Feature.TIMES])
def times_are_told_by_their_magnitude(subject: Subject) -> Iterator[str]:
    """One path answers in seconds and in milliseconds, so a fixed unit is wrong by a factor of a thousand."""
    for fact in MOMENTS:
        for written in MOMENT_FORMS:
            yield from _differs(subject, fact, written, MOMENT)


@fields.check(needs=[Feature.TIMES])
def odd_times_are_absent(subject: Subject) -> Iterator[str]:
    """Zero and empty text mean "not yet"; read as 1970 they make a task expire before it was made."""
    for fact in MOMENTS:
        for written in NO_MOMENTS:
            yield from _differs(subject, fact, written, None)


@fields.check(needs=[Feature.LINKS])
def link_is_kept_byte_for_byte(subject: Subject) -> Iterator[str]:
    """Links are signed; one that was unquoted, sorted or tidied up is refused by the store."""
    for written in LINKS:
        yield from _differs(subject, LINK, written, written)


@fields.check(needs=[Feature.LINKS])
def what_is_no_link_is_absent(subject: Subject) -> Iterator[str]:
    """The places of links also hold placeholders and reasons; following these ends a download that would work."""
    for written in NO_LINKS:
        yield from _differs(subject, LINK, written, None)


@fields.check()
def id_is_kept_as_written(subject: Subject) -> Iterator[str]:
    """An id that was trimmed, quoted or folded is another task's, or nobody's."""
    for written in IDS:
        yield from _differs(subject, TASK_ID, written, written)


@fields.check(needs=[Feature.IDS])
def answer_about_another_task_is_refused(subject: Subject) -> Iterator[str]:
    """Caches and gateways mix answers up; a stranger's success must not become the file of this task."""
    for answer, places in subject.showing(TASK_ID, {Call.RETRIEVE}):
        response = answer.response(as_bytes(put_all(answer.document, places, "somebody-elses")))
        try:
            read_retrieve(subject.provider, response, answer.route, "asked-for")
        except ProviderError:
            continue
        yield f"{answer.name}: it spoke of another task than the one asked for, and was believed"


@fields.check()
def side_fields_end_nothing(subject: Subject) -> Iterator[str]:
    """Gateways fill in end times, links, errors and 100 % while a task still runs; only its word counts."""
    still_open = [word for word, status in subject.provider.info.words.items() if not status.final]
    for answer, places in subject.showing(subject.word):
        for word in still_open:
            document = SIDE_FIELDS | put_all(answer.document, places, word)
            for found in _statuses(subject, answer, (document, _failed_too(document))):
                if found is not subject.provider.info.words[word]:
                    yield f"{answer.name}: with the word {word!r} and the fields of an end it was read as {found}"


@fields.check()
def side_fields_spoil_no_success(subject: Subject) -> Iterator[str]:
    """An error object beside a success is how gateways write "no error"; the result was paid for and is there."""
    good = next(word for word, status in subject.provider.info.words.items() if status is Status.SUCCEEDED)
    for answer, places in subject.showing(subject.word):
        document = put_all(answer.document, places, good)
        for found in _statuses(subject, answer, (document, _failed_too(document))):
            if found is not Status.SUCCEEDED:
                yield f"{answer.name}: with the word {good!r} and an error beside it, it was read as {found}"


@fields.check()
def one_odd_field_costs_no_reading(subject: Subject) -> Iterator[str]:
    """A single field of another type must not make a paid task unreadable, nor change its state."""
    for answer in subject.answers:
        kept = {*subject.spots(answer, TASK_ID), *subject.spots(answer, subject.word)}
        kept |= {spot[:length] for spot in kept for length in range(1, len(spot))}
        for spot in (*spots(answer.document), *holders(answer.document)):
            if spot not in kept:
                yield from _spoilt_by(subject, answer, spot)


@fields.check()
def new_members_change_nothing(subject: Subject) -> Iterator[str]:
    """Services add fields without notice."""
    for answer in subject.answers:
        if subject.read(answer, _extended(answer.document)) != answer.seen:
            yield f"{answer.name}: members that nobody reads changed the reading"


@fields.check()
def order_of_members_does_not_matter(subject: Subject) -> Iterator[str]:
    """JSON objects have no order, and services change theirs."""
    for answer in subject.answers:
        if subject.read(answer, reversed_members(answer.document)) != answer.seen:
            yield f"{answer.name}: with its members in the opposite order it reads differently"


@fields.check(needs=[Feature.REASONS])
def reason_of_a_bad_end_is_told(subject: Subject) -> Iterator[str]:
    """Somebody paid for a job that failed and wants to know why, in the provider's words."""
    for written in ("The picture is too dark.", "画面过暗，请更换图片", "No."):
        yield from _differs(subject, REASON, written, written)


@fields.check()
def bad_end_needs_no_reason(subject: Subject) -> Iterator[str]:
    """Some jobs fail without a reason; that is an end like any other, and its kind is unknown, not invented."""
    bad = [word for word, status in subject.provider.info.words.items() if status in BAD_ENDS]
    for answer, places in subject.showing(subject.word, {Call.RETRIEVE}):
        if answer.seen.failure is None:
            for word in bad:
                seen = subject.read(answer, put_all(answer.document, places, word))
                if seen.failure is None or seen.failure != Failure(kind=seen.failure.kind):
                    yield f"{answer.name}: {word!r} without a reason was given one: {seen.failure}"


@fields.check(level=Level.SHOULD, needs=[Feature.MODELS])
def model_is_told(subject: Subject) -> Iterator[str]:
    """Gateways resolve names of models; the bill is for the one that they name."""
    for written in ("contract-model-2", "A/B:c"):
        yield from _differs(subject, MODEL, written, written)


def _with(subject: Subject, fact: Fact, written: Json) -> Iterator[tuple[Answer, Observation | str]]:
    """The reading of every answer that shows a fact, where another value stands for it; or that it was refused."""
    showing = subject.showing(fact) if fact.feature else _where_shown(subject, fact)
    for answer, places in showing:
        try:
            yield answer, subject.read(answer, put_all(answer.document, places, written))
        except ProviderError as error:
            yield answer, f"{answer.name}: the {fact.name} {written!r} cost the reading: {error.message}"


def _where_shown(subject: Subject, fact: Fact) -> Iterator[tuple[Answer, tuple[Spot, ...]]]:
    for answer in subject.answers:
        if places := subject.spots(answer, fact):
            yield answer, places


def _differs(subject: Subject, fact: Fact, written: Json, expected: Any) -> Iterator[str]:
    for answer, seen in _with(subject, fact, written):
        if isinstance(seen, str):
            yield seen
        elif fact.of(seen) != expected:
            read = f"{_plain(fact.of(seen))}, not {_plain(expected)}"
            yield f"{answer.name}: the {fact.name} {written!r} was read as {read}"


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else repr(value)


def _statuses(subject: Subject, answer: Answer, documents: Iterable[Json]) -> Iterator[Status | str | None]:
    for document in documents:
        try:
            yield subject.read(answer, document).status
        except ProviderError as error:
            yield f"unreadable ({error.message})"


def _failed_too(document: dict[str, Json]) -> dict[str, Json]:
    # Where the answer has no error of its own; some providers tell by it that the call failed, and may.
    return document | ({} if "error" in document else {"error": {"code": "0", "message": ""}})


def _spoilt_by(subject: Subject, answer: Answer, spot: Spot) -> Iterator[str]:
    """How one odd value after the other at one place changes more than the fact that stands there."""
    for value in ODD:
        try:
            seen = subject.read(answer, put(answer.document, spot, value))
        except ProviderError as error:
            # An error in the place of a result is only believed as the end while it is one of the known.
            if answer.status < 400 and not ENVELOPE_KEYS & {str(key) for key in spot}:
                yield f"{answer.name}: {value!r:.40} at {shown(spot)} made it unreadable: {error.message}"
            continue
        if (seen.status, seen.task_id) != (answer.seen.status, answer.seen.task_id):
            was = value_at(answer.document, spot)
            yield f"{answer.name}: {value!r:.40} for {was!r:.40} at {shown(spot)} changed its state or its task"


def _extended(document: Json) -> Json:
    match document:
        case dict():
            inner = {key: _extended(value) for key, value in document.items()}
            return {"contract_before": [1, {"id": "x"}], **inner, "contract_after": {"status": "x"}}
        case list():
            return [_extended(value) for value in document]
        case _:
            return document
