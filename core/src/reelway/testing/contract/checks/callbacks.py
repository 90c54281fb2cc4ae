"""Callbacks are hints: they name their task, and prove nothing unless they are signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reelway.errors import NotSupported, ProviderError
from reelway.model.http import Headers
from reelway.provider.canonical import Call
from reelway.provider.interface import Capability
from reelway.provider.reading import read_callback
from reelway.testing.contract.answers import Answer
from reelway.testing.contract.check import Group
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.places import MOMENT, TASK_ID
from reelway.testing.contract.subject import Missing, Subject
from reelway.testing.contract.trouble import UNREADABLE

callbacks = Group("callbacks")

CALLED_BACK: Final = (Feature.CALLBACKS, Feature.SAMPLES)

SIGNED_BADLY: Final[tuple[Headers, ...]] = (
    (),
    (("Authorization", "Bearer contract"),),
    (("X-Signature", "sha256=" + "0" * 64), ("X-Hub-Signature-256", "sha256=" + "0" * 64)),
    (("webhook-id", "w-1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", "v1,AAAA")),
    (("webhook-id", "w-1"), ("webhook-timestamp", "soon"), ("webhook-signature", "")),
    (("X-Signature", ""), ("X-Timestamp", ""), ("X-Signature-Ed25519", "zz")),
    (("webhook-signature", "\u00e9\x00 v1,v1 v1"), ("X-Signature", "%" * 5000)),
)
"""Headers that prove nothing."""


@callbacks.check()
def unclaimed_callback_is_not_read(subject: Subject) -> Iterator[str]:
    """What a provider does not document is no channel; whoever finds the address could speak through it."""
    if Capability.CALLBACKS in subject.provider.info.capabilities:
        return
    try:
        subject.provider.read_callback((), b"{}")
    except NotSupported:
        return
    yield "callbacks are not among its capabilities, and yet one was read"


@callbacks.check(needs=CALLED_BACK)
def callback_names_its_task(subject: Subject) -> Iterator[str]:
    """A hint about nobody wakes nobody, and the job is polled on at its slow pace."""
    for answer in _called_back(subject):
        if not subject.spots(answer, TASK_ID):
            yield f"{answer.name}: no part of it names a task"


@callbacks.check(needs=[Feature.CALLBACKS])
def unreadable_callback_is_refused(subject: Subject) -> Iterator[str]:
    """The address is open to everybody, so anything may come; a crash would take the receiver down."""
    for body in UNREADABLE:
        try:
            seen = read_callback(subject.provider, (), body, verified=False)
        except ProviderError:
            continue
        if seen:
            yield f"{body!r:.80} was read as {len(seen)} observations"


@callbacks.check()
def bad_signature_proves_nothing(subject: Subject) -> Iterator[str]:
    """A signature that is not checked lets anybody end a job; one that crashes lets anybody stop the receiver."""
    for headers in SIGNED_BADLY:
        for body in (b"", b"{}", b"\xff\x00"):
            for secret in ("contract-secret", "", "whsec_????", "é"):
                if subject.provider.verify_callback(headers, body, secret, MOMENT) is not False:
                    yield f"a callback with the headers {headers!r:.80} counts as signed"


def _called_back(subject: Subject) -> Iterator[Answer]:
    found = [answer for answer in subject.answers if answer.call is Call.CALLBACK]
    if not found:
        raise Missing('no sample is the body of a callback; add one, its reading with "call": "callback"')
    yield from found
