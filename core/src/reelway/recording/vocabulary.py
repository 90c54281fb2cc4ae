"""What a recording may hold as it was sent. Everything that is not on these lists is replaced.

The lists name what the gateways of this field write in public: field names, status words, units. A list of what to
take out would let through the first secret that nobody thought of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct

from reelway.model.http import HttpResponse
from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider.canonical import routes_of
from reelway.provider.interface import Provider
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway.provider.words import fold


class Field(Enum):
    """What kind of value a field holds, and so what may stay of it."""

    WORD = auto()
    """One of the known words and names."""

    FIGURE = auto()
    """Numbers, and the texts that are numbers with a unit: times, sizes, seconds, percent."""

    ID = auto()
    """The name of a job or a request: replaced, the same by the same."""

    LINK = auto()
    """An address: replaced, the same by the same."""

    TEXT = auto()
    """What a person or a service wrote: replaced."""

    HOLDER = auto()
    """Other fields, or a list of them."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIELDS: Final[Mapping[Field, frozenset[str]]] = {
    Field.WORD: _names("""
        status task_status state object type role event action model quality format service_tier param field code
        error_code finish_reason assettype upstream_model_name origin_model_name
    """),
    Field.FIGURE: _names("""
        created_at completed_at expires_at updated_at createdat updatedat submit_time start_time finish_time
        status_update_time createtime updatetime progress seconds duration n index width height fps size resolution
        framespersecond ratio aspect_ratio seed success has_more deleted draft audio generate_audio watermark
        camera_fixed prompt_extend return_last_frame execution_expires_after completion_tokens total_tokens
        input_tokens output_tokens queue_position retry_after
    """),
    Field.ID: _names("id task_id request_id remixed_from_video_id first_id last_id groupid"),
    Field.LINK: _names("""
        url video_url image_url audio_url last_frame_url first_frame_url result_url download_url output
        callback_url status_url response_url cancel_url
    """),
    Field.TEXT: _names("""
        message msg prompt negative_prompt text detail reason fail_reason task_status_msg description
        enhanced_prompt revised_prompt
    """),
    Field.HOLDER: _names("""
        data error metadata content usage task_result task_info input result results videos video images image
        input_reference properties logs metrics
    """),
}

FIELDS: Final[Mapping[str, Field]] = {name: field for field, names in _FIELDS.items() for name in names}
"""The field names that may stand in a recording, compared in lower case, and what they hold."""

WORDS: Final = _names("""
    video video.generation.job video.deleted video.completed video.failed event list text image_url video_url
    audio_url first_frame last_frame reference_image reference_video reference_audio video.task.completed
    video.task.failed video.task.cancelled standard default flex std pro success error

    invalid_request_error server_error permission_error rate_limit_error authentication_error not_found_error
    new_api_error upstream_error invalid_request generation_failed task_not_exist
    content_policy_violation invalid_api_key invalid_duration invalid_parameter model_not_found model_not_accessible
    rate_limit_exceeded resource_not_found insufficient_user_quota moderation_blocked quota_not_enough
    pre_consume_token_quota_failed bad_response_status_code fail_to_fetch_task invalidparameter authenticationerror
    accountoverdueerror notfound internalserviceerror
""")
"""Constants of the family's wire that are no status words; the second part are error types and codes."""

PATH_WORDS: Final = _names("""
    v1 v2 v3 api videos video generations generation contents tasks content create remix edits extensions cancel
    status
""")
"""Segments of paths that are no ids."""

MEDIA_TYPES: Final = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/html",
        "text/plain",
        "text/event-stream",
        *("video/mp4", "video/webm", "video/quicktime"),
        *("image/png", "image/jpeg", "image/webp", "image/gif"),
        *("audio/mpeg", "audio/wav"),
        "application/octet-stream",
    }
)

FIGURE: Final = re.compile(
    r"\d{1,13}(?:\.\d{1,6})?(?:s|%|p|k|fps)?"
    r"|\d{2,5}[x*]\d{2,5}"
    r"|\d{1,3}:\d{1,3}"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|true|false|adaptive|auto|landscape|portrait",
    re.IGNORECASE | re.ASCII,
)
"""Texts that are figures: numbers with a unit, sizes, ratios, points in time."""

LARGEST_NUMBER: Final = 10**16
"""Microseconds since 1970 are smaller; what is larger is no figure of this field."""


class Vocabulary(Struct, frozen=True, kw_only=True):
    """What may stay in the recordings of one provider.

    Attributes:
        words: folded words: status words, constants, models.
        path: the segments of the provider's paths.
        fields: field names in lower case, and what they hold.
    """

    words: frozenset[str]
    path: frozenset[str]
    fields: Mapping[str, Field]

    def field(self, name: str) -> Field | None:
        """What a field holds, or None for a name that may not stand in a recording."""
        return self.fields.get(name.lower())

    def keeps_word(self, word: str) -> bool:
        """Whether a word may stay."""
        return word == "" or fold(word) in self.words


def vocabulary_of(provider: Provider) -> Vocabulary:
    """The common lists, and what the provider's own tables and its simulator declare."""
    info = provider.info
    models = (name for spec in provider.models.models for name in (spec.name, *spec.aliases))
    declared = (*info.words, *info.failure_kinds, *(code for _, code in info.nothing_created))
    words = frozenset(filter(None, map(fold, (*WORDS, *declared, *models))))
    return Vocabulary(
        words=words, path=PATH_WORDS | _path_of(provider), fields={**_fields_of(provider, words), **FIELDS}
    )


_MARK: Final = "the-id-of-a-task"


def _path_of(provider: Provider) -> frozenset[str]:
    """The segments of the paths that the provider asks at, without the place of the id; some create at a model."""
    paths = [provider.encode_retrieve(_MARK, route).path for route in routes_of(provider)]
    paths += [spec.name for spec in provider.models.models]
    return frozenset(segment for path in paths for segment in path.split("/") if segment and _MARK not in segment)


def _fields_of(provider: Provider, words: frozenset[str]) -> dict[str, Field]:
    """The field names that the provider's simulator writes, each with what it holds there."""
    simulator = provider.simulator()
    if simulator is None:
        return {}
    found: dict[str, Field] = {}
    for job in chain.from_iterable(map(_jobs, routes_of(provider))):
        answers = [simulator.answer_create(job), simulator.answer_retrieve(job.call, job)]
        if provider.info.ended:
            answers.append(simulator.answer_result(job.call, job))
        for answer in answers:
            for name, value in _members(_document(answer)):
                found.setdefault(name.lower(), _held(value, words))
    return found


def _jobs(route: str) -> Iterator[SimulatedJob]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    call = SimulatedCall(kind=CallKind.RETRIEVE, route=route, task_id=_MARK)
    for status in (Status.QUEUED, Status.SUCCEEDED, Status.FAILED):
        yield SimulatedJob(
            task_id=_MARK,
            call=call,
            status=status,
            created_at=moment,
            updated_at=moment,
            video_url=_LINK if status is Status.SUCCEEDED else None,
            failure=Failure(kind=FailureKind.INTERNAL, message="no luck") if status is Status.FAILED else None,
        )


_LINK: Final = "https://files.example/video.mp4"


def _document(answer: HttpResponse) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return None


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object in a document."""
    if isinstance(value, dict):
        yield from value.items()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _members(one)


def _held(value: Any, words: frozenset[str]) -> Field:
    """What a field holds, by what the simulator wrote there; in doubt a text, which is replaced."""
    if isinstance(value, dict | list):
        return Field.HOLDER
    if isinstance(value, int | float):
        return Field.FIGURE
    return next((field for field, fits in _TELLING.items() if fits(value or "", words)), Field.TEXT)


_TELLING: Final[Mapping[Field, Callable[[str, frozenset[str]], bool]]] = {
    Field.ID: lambda text, words: text == _MARK,
    Field.LINK: lambda text, words: text == _LINK,
    Field.FIGURE: lambda text, words: FIGURE.fullmatch(text) is not None,
    Field.WORD: lambda text, words: fold(text) in words,
}
