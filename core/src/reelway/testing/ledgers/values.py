"""The contract of ledgers: whatever a provider or a user may have written comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.quota import Kept
from reelway.ledger.records import Callback, Query
from reelway.model.lifecycle import (
    Anomaly,
    Event,
    ProgressMoved,
    ResultStored,
    Seen,
    StatusChanged,
    UnknownWordSeen,
)
from reelway.model.observation import Failure, FailureKind, Status, Video
from reelway.model.secret import Secret
from reelway.model.task import Artifact, StoredResult, Task, TaskRef
from reelway.testing.ledgers.kit import (
    NOW,
    REPEATED,
    Kit,
    change_of,
    entry_of,
    held,
    last_position,
    new_account,
    new_attempt,
    new_task,
    take,
)

ODD_TEXTS: Final = (
    "",
    " ",
    "\0",
    "a\0b",
    "\\0000",
    "\ud800",
    "\udfff\ud800",
    "\ud83d\ude00",
    "\\ud800",
    "🎬🏳️‍🌈",
    "視頻",
    "'; drop table entries; --",
    "%_",
    "\r\n\t\x1b[31m",
    "\uffff\ufeff\u202e",
)

LONG_TEXT: Final = "x" * 100_000

TEXTS: Final = st.one_of(st.sampled_from(ODD_TEXTS), st.text(st.characters(), max_size=20))

NUMBERS: Final = st.one_of(
    st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 2**70]), st.integers()
)

MOMENTS: Final = st.one_of(
    st.sampled_from(
        [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 2, 28, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=-11, minutes=-30))),
        ]
    ),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - made aware
)

JSON: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)

VIDEOS: Final = st.builds(Video, url=TEXTS.map(Secret), expires_at=st.one_of(st.none(), MOMENTS), variant=TEXTS)

FAILURES: Final = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    code=st.one_of(st.none(), TEXTS),
    message=st.one_of(st.none(), TEXTS),
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or none."""
    return st.one_of(st.none(), values)


FACTS: Final = st.fixed_dictionaries(
    {
        "changed_at": MOMENTS,
        "status": st.sampled_from(Status),
        "artifact": st.sampled_from(Artifact),
        "confirmed": st.booleans(),
        "provider_status": maybe(TEXTS),
        "progress": maybe(NUMBERS),
        "provider_progress": maybe(TEXTS),
        "model": maybe(TEXTS),
        "created_at": maybe(MOMENTS),
        "completed_at": maybe(MOMENTS),
        "expires_at": maybe(MOMENTS),
        "videos": st.lists(VIDEOS, max_size=2).map(tuple),
        "failure": maybe(FAILURES),
        "not_found_count": NUMBERS,
        "setbacks": NUMBERS,
        "unknown_words": st.lists(TEXTS, max_size=2).map(tuple),
    }
)


def events_of(ref: TaskRef) -> st.SearchStrategy[Event]:
    """Events with odd words in them."""
    always = {"ref": st.just(ref), "at": MOMENTS}
    statuses = st.sampled_from(Status)
    return st.one_of(
        st.builds(StatusChanged, **always, before=maybe(statuses), after=statuses, word=maybe(TEXTS)),
        st.builds(ProgressMoved, **always, progress=NUMBERS),
        st.builds(ResultStored, **always, variant=TEXTS, location=TEXTS, size=NUMBERS, sha256=TEXTS),
        st.builds(UnknownWordSeen, **always, word=maybe(TEXTS), kept=statuses),
        st.builds(
            Anomaly,
            **always,
            held=statuses,
            held_word=maybe(TEXTS),
            seen=st.sampled_from(Seen),
            seen_word=maybe(TEXTS),
            loud=st.booleans(),
        ),
    )


class OddValues(Kit):
    """No value that can come from outside breaks a ledger or comes back changed."""

    @pytest.mark.parametrize("text", [*ODD_TEXTS, LONG_TEXT], ids=range(len(ODD_TEXTS) + 1))
    def test_odd_texts_are_names_like_any_other(self, ledger: Ledger, beside: Ledger, text: str) -> None:
        account = (f"acme{text}", f"{text}{new_account()[1]}")
        key = f"{text}{new_attempt().id}"
        attempt = new_attempt(account, id=key, label=text, idempotency_key=key, metadata={text: [text, 2**70]})
        assert ledger.begin(attempt) is None
        refused = ledger.begin(new_attempt(account, idempotency_key=key))
        assert refused is not None
        assert refused.submission == attempt
        task = new_task(account)
        task = replace(task, ref=replace(task.ref, route=text, id=key), provider_status=text)
        entry = ledger.accept(attempt, task, due_in=0)
        assert (entry.submission, entry.task) == (attempt, task)
        assert beside.find(task.ref) == beside.submission(key) == entry
        assert beside.entries(Query(provider=account[0], account=account[1], label=text)) == [entry]
        assert [claim.entry for claim in take(beside, account)] == [entry]

    def test_names_that_look_alike_are_not_the_same(self, ledger: Ledger) -> None:
        account = new_account()
        numbers = {text: entry_of_label(ledger, account, text) for text in ODD_TEXTS}
        for text, number in numbers.items():
            found = ledger.entries(Query(account=account[1], label=text))
            assert [entry.number for entry in found] == [number], ascii(text[:20])

    @REPEATED
    @given(facts=FACTS, data=st.data())
    def test_a_task_comes_back_as_it_was(self, ledger: Ledger, facts: dict[str, Any], data: st.DataObject) -> None:
        task = new_task(submitted_at=data.draw(MOMENTS))
        entry, mark = ledger.track(task), last_position(ledger)
        moved: Task = replace(task, **facts)
        events = data.draw(st.lists(events_of(task.ref), max_size=2))
        results = data.draw(st.lists(RESULTS, max_size=2, unique_by=lambda one: one.variant))
        assert ledger.save([replace(change_of(entry, moved, *events), results=tuple(results))]) == [True]
        now = held(ledger, task)
        assert now.task == moved
        assert sorted(now.results, key=repr) == sorted(results, key=repr)
        assert [one.event for one in ledger.events(mark)] == events

    @REPEATED
    @given(
        metadata=st.dictionaries(TEXTS, JSON, max_size=3),
        texts=st.fixed_dictionaries(
            {name: maybe(TEXTS) for name in ("label", "detail", "request_digest", "replaces")}
        ),
        response=maybe(st.binary(max_size=100)),
        at=MOMENTS,
    )
    def test_an_attempt_comes_back_as_it_was(
        self,
        ledger: Ledger,
        metadata: dict[str, Any],
        texts: dict[str, str | None],
        response: bytes | None,
        at: datetime,
    ) -> None:
        attempt = replace(new_attempt(metadata=metadata, response=response, at=at), **texts)
        ledger.begin(attempt)
        assert entry_of(ledger, attempt).submission == attempt

    @REPEATED
    @given(headers=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple), body=st.binary(max_size=200))
    def test_a_delivery_comes_back_as_it_was(
        self, ledger: Ledger, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        number = ledger.track(new_task()).number
        delivery = Callback(number=number, received_at=NOW, headers=headers, body=body)
        assert ledger.keep([delivery]) == [Kept.NEW]
        assert ledger.callbacks(number) == [delivery]

    def test_a_large_body_is_kept_whole(self, ledger: Ledger) -> None:
        body = bytes(range(256)) * 4096
        number = ledger.track(new_task()).number
        delivery = Callback(number=number, received_at=NOW, body=body)
        assert ledger.keep([delivery, replace(delivery, body=body[:-1])]) == [Kept.NEW, Kept.NEW]
        assert ledger.callbacks(number)[0] == delivery


RESULTS: Final = st.builds(
    StoredResult,
    variant=TEXTS,
    location=TEXTS,
    size=st.integers(0, 2**70),
    sha256=TEXTS,
    stored_at=MOMENTS,
)


def entry_of_label(ledger: Ledger, account: tuple[str, str], label: str) -> int:
    """The number of a new attempt with a label."""
    attempt = new_attempt(account, label=label)
    ledger.begin(attempt)
    return entry_of(ledger, attempt).number
