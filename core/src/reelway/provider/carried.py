"""Which fields of a request reach the wire. A field that would be lost in silence is a problem, not a surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from reelway.errors import InvalidRequest, Problem
from reelway.model.http import HttpRequest
from reelway.model.request import VideoRequest

Encode: TypeAlias = Callable[[VideoRequest], HttpRequest]

Others: TypeAlias = Callable[[Any], tuple[Any, ...]]

OTHERS: Final[Mapping[str, Others]] = {
    # Other values to try in a field's place. Where none of them changes the request, nothing reads the field.
    "duration": lambda given: (None, given + 1, 5, 8),
    "aspect_ratio": lambda given: (None, "16:9", "9:16", "1:1"),
    "resolution": lambda given: (None, "480p", "720p", "1080p"),
    "size": lambda given: (None, "1280x720", "720x1280"),
    "seed": lambda given: (None, given + 1),
    "audio": lambda given: (None, not given),
    "callback_url": lambda given: (None,),
    "first_frame": lambda given: (None,),
    "last_frame": lambda given: (None,),
    "references": lambda given: ((),),
}


def lost_fields(request: VideoRequest, encode: Encode) -> Iterable[Problem]:
    """A problem for each given field that has no place in the request as it would be sent."""
    for field, others in OTHERS.items():
        if getattr(request, field) not in (None, ()) and not _reaches(request, field, others, encode):
            yield Problem(field=field, message="this provider's request for this model has no place for it")


def _reaches(request: VideoRequest, field: str, others: Others, encode: Encode) -> bool:
    sent = encode(request)
    return any(
        _differs(replace(request, **{field: other}), encode, sent) for other in others(getattr(request, field))
    )


def _differs(request: VideoRequest, encode: Encode, sent: HttpRequest) -> bool:
    try:
        return encode(request) != sent
    except InvalidRequest:
        # The field was read, or it could not be missed.
        return True
