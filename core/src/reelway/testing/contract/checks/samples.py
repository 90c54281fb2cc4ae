"""Recorded samples: they are there, each means what is written down for it, and nothing secret is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import msgspec

from reelway.errors import ErrorKind, NotSupported, ReelwayError
from reelway.model.http import HttpRequest, Multipart
from reelway.model.observation import Status
from reelway.provider.canonical import Call, Reading, readings
from reelway.provider.models import OnUnsupported, check
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.samples import (
    RequestCall,
    RequestReading,
    Sample,
    Told,
    orphans,
    reading_file,
)
from reelway.testing.contract.subject import Missing, Subject

samples = Group("samples")

RECORDED: Final = (Feature.SAMPLES,)

SECRETS: Final = {
    "an API key": re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"),
    "a bearer token": re.compile(r"Bearer\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."),
    "a signature in a link": re.compile(
        r"[?&](?:[A-Za-z-]*signature|sig|token|x-amz-credential|x-amz-security-token|auth_key)=[A-Za-z0-9%/+=_-]{16,}",
        re.IGNORECASE,
    ),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "somebody's address": re.compile(
        r"\b[\w.+-]+@(?!example\.|[\w.-]*\.example\b)[\w-]+\.[a-z]{2,}\b", re.IGNORECASE
    ),
}

WANTED: Final = (Status.SUCCEEDED, Status.FAILED)
"""The ends that have to be among the samples."""


@samples.check(needs=RECORDED)
def every_kind_of_answer_is_there(subject: Subject) -> Iterator[str]:
    """What no sample shows is read as somebody once imagined it."""
    answers = [told for sample in subject.samples for told in sample.told()]
    good = [told for told in answers if told.response.ok or told.call is Call.RESULT]
    readings_ = [(told.call, reading) for told in good for reading in told.readings]
    if not any(call is Call.CREATE for call, _ in readings_):
        yield "no sample is the answer to a create"
    if not any(call is Call.RETRIEVE and not reading.terminal for call, reading in readings_):
        yield "no sample is the answer to a poll of a job under way"
    for status in WANTED:
        if not any(reading.status == status for _, reading in readings_):
            yield f"no sample is of a job that has {status}"
    if len(good) == len(answers):
        yield "no sample is an error answer"


@samples.check(needs=RECORDED)
def every_sample_has_its_reading(subject: Subject) -> Iterator[str]:
    """A sample of which nobody said what it means holds nobody to anything."""
    for sample in subject.samples:
        if sample.problem is not None:
            yield sample.problem
        elif not sample.entries:
            written = reading_file(_folder(subject) / sample.name).name
            yield f"{sample.name} has no {written}; see `reelway explain --for-sample`"


@samples.check(needs=RECORDED)
def every_reading_has_its_sample(subject: Subject) -> Iterator[str]:
    """A reading without its answer is checked by nothing."""
    yield from (f"{name} has no sample beside it" for name in orphans(_folder(subject)))


@samples.check(needs=RECORDED)
def answer_means_what_is_written(subject: Subject) -> Iterator[str]:
    """The readings are the contract in the provider's own words: each was checked by eye once, and holds."""
    for sample in subject.samples:
        for told in sample.told():
            yield from _misread(subject, sample, told)


@samples.check(needs=RECORDED)
def request_is_written_as_recorded(subject: Subject) -> Iterator[str]:
    """A request of the provider's own documentation is what its service certainly takes."""
    for sample in subject.samples:
        for entry in (entry for entry in sample.entries if isinstance(entry, RequestReading)):
            yield from _miswritten(subject, sample, entry)


@samples.check(needs=RECORDED)
def nothing_secret_was_recorded(subject: Subject) -> Iterator[str]:
    """Samples are published; a key or a signed link in them opens somebody's account."""
    for sample in subject.samples:
        text = sample.content.decode("utf-8", "replace")
        for what, pattern in SECRETS.items():
            if pattern.search(text):
                yield f"{sample.name} holds {what}"


@samples.check(level=Level.SHOULD, needs=RECORDED)
def every_sample_has_its_source(subject: Subject) -> Iterator[str]:
    """Whether an answer was documented, seen or made up decides how far it can be trusted."""
    pages = [file.read_text(encoding="utf-8") for file in _folder(subject).glob("README*")]
    patterns = re.findall(r"`([^`\s]+)`", "\n".join(pages))
    for sample in subject.samples:
        names = (sample.name, sample.name.rpartition(".")[0])
        if not any(fnmatch(name, pattern) for name in names for pattern in patterns):
            yield f"{sample.name} is not named in a README beside the samples"


def _folder(subject: Subject) -> Path:
    if subject.folder is None:
        raise Missing("there is no folder of samples; name one, or state 'samples' in `cannot`")
    return subject.folder


def _misread(subject: Subject, sample: Sample, told: Told) -> Iterator[str]:
    try:
        read = readings(subject.provider, told.call, told.response, told.route)
    except ReelwayError as error:
        yield f"{sample.name}: {error.message}"
        return
    expected = [entry.reading for entry in told.readings]
    if len(read) != len(expected):
        yield f"{sample.name}: {len(expected)} readings are written down, and it has {len(read)}"
    for said, meant in zip(read, expected, strict=False):
        told_of = said | {"error": _in_its_words(said["error"], meant["error"])}
        for field in (field for field in meant if told_of[field] != meant[field]):
            yield f"{sample.name}: {field} reads as {told_of[field]!r}, and {meant[field]!r} is written down"


def _in_its_words(said: Reading | None, meant: Reading | None) -> Reading | None:
    """An error as it was written down, where it differs in a sentence that is ours and may be put better."""
    ours = (
        said is not None and meant is not None and (meant["message"] is None or said["kind"] == ErrorKind.PROTOCOL)
    )
    return said | {"message": meant["message"]} if ours and said and meant else said


def _miswritten(subject: Subject, sample: Sample, entry: RequestReading) -> Iterator[str]:
    try:
        request = _WRITERS[entry.call](subject, entry)
    except (ReelwayError, NotSupported, TypeError) as error:
        yield f"{sample.name}: {error}"
        return
    if entry.path is not None and request.path != entry.path:
        yield f"{sample.name}: it goes to {request.path!r}, and {entry.path!r} is written down"
    written, meant = _written(request), sample.written
    if written != meant:
        keys = sorted(key for key in {*written, *meant} if written.get(key) != meant.get(key))
        yield f"{sample.name}: it is written otherwise in {', '.join(keys)}"


def _create(subject: Subject, entry: RequestReading) -> HttpRequest:
    checked = check(entry.wish, subject.provider.models, OnUnsupported.ERROR)
    return subject.provider.encode_create(checked.request, checked.spec)


def _remix(subject: Subject, entry: RequestReading) -> HttpRequest:
    given = {"task_id": "task_1", "route": "", "prompt": "", "model": None} | entry.request
    return subject.provider.encode_remix(**given)


_WRITERS: Final = {RequestCall.CREATE: _create, RequestCall.REMIX: _remix}


def _written(request: HttpRequest) -> dict[str, Any]:
    """A body as it is recorded: the JSON document, or the fields of a form."""
    if isinstance(request.body, Multipart):
        return dict(request.body.fields)
    document = msgspec.json.decode(request.body or b"{}")
    return document if isinstance(document, dict) else {}
