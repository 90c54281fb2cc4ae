"""Which faults there are.

How they are asked for is told by :mod:`reelway.sandbox.plan`, what they do by ``spoil``, ``jobs`` and
``callbacks`` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reelway.provider.simulator import Evidence


class Place(StrEnum):
    """At which call a fault acts; a remix counts as a create."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    RESULT = "result"
    CONTENT = "content"
    LINK = "link"
    CALLBACK = "callback"
    """Here the service calls."""


class Takes(StrEnum):
    """What a fault's argument means."""

    NOTHING = "nothing"
    TIMES = "times"
    SECONDS = "seconds"
    SHIFT = "shift"
    TEXT = "text"
    STATUS = "status"
    VALUE = "value"


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that can go wrong.

    Attributes:
        name: how it is asked for.
        says: what it does, in a sentence.
        at: the calls it acts at.
        takes: what its argument means.
        default: the argument where none is given.
        paid: whether a create that it spoils has made the job all the same, so that money may have been spent.
        shapes: it changes what the job is, and not one answer.
        label: how well it is known from real services.
    """

    name: str
    says: str
    at: tuple[Place, ...]
    takes: Takes = Takes.TIMES
    default: str = "1"
    paid: bool = True
    shapes: bool = False
    label: Evidence = Evidence.ASSUMED


CREATE = (Place.CREATE,)
POLL = (Place.RETRIEVE,)
CALLS = (*CREATE, *POLL, Place.RESULT)
FILE = (Place.LINK, Place.CONTENT)
API = (Place.CREATE, Place.RETRIEVE, Place.RESULT, Place.CONTENT)
ANY = (*API, Place.LINK)
TOLD = (Place.CALLBACK,)

STANDARD_REASON: Final = "The sandbox was asked to fail."

CATALOG: Final = (
    # The connection.
    Fault(
        name="refuse",
        says="The connection breaks before the request is acted on.",
        at=ANY,
        paid=False,
    ),
    Fault(name="reset", says="The request is acted on, then the connection is reset.", at=ANY),
    Fault(name="silence", says="The request is acted on, and no answer ever comes.", at=ANY),
    Fault(
        name="slow",
        says="Every answer comes in drips, spread over the given seconds.",
        at=ANY,
        takes=Takes.SECONDS,
        default="2",
    ),
    Fault(name="half-answer", says="The answer breaks off in the middle of its body.", at=API),
    Fault(name="garbage", says="The answer is no HTTP.", at=ANY),
    Fault(name="tls", says="The port speaks TLS where plain HTTP was asked for.", at=ANY, paid=False),
    Fault(name="half-status", says="The answer breaks off in its status line.", at=ANY),
    Fault(name="half-headers", says="The answer breaks off in its headers.", at=ANY),
    Fault(name="short-length", says="The answer promises half the length that it has.", at=ANY),
    Fault(name="odd-chunks", says="The answer comes in chunks of a few bytes.", at=ANY),
    Fault(name="bad-chunks", says="The answer comes in chunks, and the size of one is no number.", at=ANY),
    # Answers that a provider gives instead.
    Fault(
        name="unauthorized",
        says="The key is refused, although it is good.",
        at=API,
        paid=False,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="quota",
        says="The account has no money left.",
        at=CREATE,
        paid=False,
        label=Evidence.SEEN,
    ),
    Fault(
        name="invalid",
        says="The request is refused as malformed.",
        at=CREATE,
        paid=False,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="rate-limit",
        says="Too many requests, with Retry-After.",
        at=API,
        paid=False,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="saturated",
        says="HTTP 429 with an empty body and without Retry-After.",
        at=API,
        paid=False,
        label=Evidence.SEEN,
    ),
    Fault(name="unavailable", says="HTTP 503 with Retry-After.", at=API, paid=False),
    Fault(
        name="server-error",
        says="HTTP 500 in answer to polls or downloads.",
        at=(Place.RETRIEVE, Place.RESULT, Place.CONTENT, Place.LINK),
        default="2",
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="http",
        says="An error of the provider under any HTTP status from 400 to 599; no job is made.",
        # In the place of a result an error is one: the job's end.
        at=(Place.CREATE, Place.RETRIEVE, Place.CONTENT),
        takes=Takes.STATUS,
        default="524",
        paid=False,
    ),
    Fault(
        name="retry-after",
        says="HTTP 429 with the given text as Retry-After.",
        at=API,
        takes=Takes.VALUE,
        default="soon",
        paid=False,
    ),
    Fault(name="create-500", says="HTTP 500 in answer to a create that made the job all the same.", at=CREATE),
    Fault(
        name="upstream",
        says="HTTP 502: the gateway does not reach what is behind it.",
        at=(Place.RETRIEVE, Place.RESULT, Place.CONTENT),
        label=Evidence.SEEN,
    ),
    Fault(
        name="missing",
        says="The job is not found just after its create.",
        at=POLL,
        default="2",
        label=Evidence.DOCUMENTED,
    ),
    Fault(name="html", says="A web page comes with HTTP 200.", at=API, label=Evidence.DOCUMENTED),
    Fault(
        name="redirect",
        says="A redirect: a link moves on to itself, a call of the API to a web page.",
        at=ANY,
        paid=False,
        label=Evidence.DOCUMENTED,
    ),
    Fault(name="empty", says="HTTP 200 with nothing in it.", at=API),
    Fault(name="bomb", says="A small answer inflates to 64 MiB.", at=API),
    Fault(name="oversized", says="The answer is followed by 16 MiB of blanks.", at=CALLS),
    # Answers that say something odd.
    Fault(name="two-ids", says="The answer names the task twice, and differently.", at=CALLS),
    Fault(name="no-id", says="The create succeeds, but its answer names no id.", at=CREATE),
    Fault(name="foreign-id", says="A poll is answered with another task's id.", at=POLL),
    Fault(
        name="unknown-word",
        says="Polls show a status word that nobody knows.",
        at=POLL,
        default="2",
        shapes=True,
        label=Evidence.SEEN,
    ),
    # Jobs that take another course.
    Fault(
        name="fail",
        says="The job fails with the given reason.",
        at=POLL,
        takes=Takes.TEXT,
        default=STANDARD_REASON,
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="fail-internal",
        says="The job fails inside the service, with the given reason.",
        at=POLL,
        takes=Takes.TEXT,
        default=STANDARD_REASON,
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="fail-silent",
        says="The job fails without a reason.",
        at=POLL,
        takes=Takes.NOTHING,
        default="",
        shapes=True,
    ),
    Fault(
        name="cancelled",
        says="The job ends cancelled.",
        at=POLL,
        takes=Takes.NOTHING,
        default="",
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="expired",
        says="The job ends expired.",
        at=POLL,
        takes=Takes.NOTHING,
        default="",
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(name="stuck", says="The job runs and never ends.", at=POLL, takes=Takes.NOTHING, default="", shapes=True),
    Fault(name="requeue", says="The job runs, goes back to the queue, then runs on.", at=POLL, shapes=True),
    Fault(
        name="flip",
        says="The job ends, and the polls after it show the opposite end.",
        at=POLL,
        shapes=True,
    ),
    Fault(name="relapse", says="The job ends, and the polls after it show it running.", at=POLL, shapes=True),
    Fault(
        name="clock-skew",
        says="The times in answers are off by the given seconds.",
        at=POLL,
        takes=Takes.SHIFT,
        default="-86400",
        shapes=True,
    ),
    # Results that cannot be had at once.
    Fault(
        name="no-url",
        says="The job succeeds without a link; the content route serves the video.",
        at=POLL,
        takes=Takes.NOTHING,
        default="",
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(
        name="own-link",
        says="The link is the provider's own content route, which needs the key.",
        at=POLL,
        takes=Takes.NOTHING,
        default="",
        shapes=True,
        label=Evidence.SEEN,
    ),
    Fault(
        name="expired-link",
        says="A poll gives a link that has expired; the next poll renews it.",
        at=POLL,
        shapes=True,
        label=Evidence.DOCUMENTED,
    ),
    Fault(name="truncated", says="The file breaks off before its promised length.", at=FILE),
    Fault(
        name="error-page-video",
        says="A web page comes in place of the file, called video/mp4.",
        at=FILE,
    ),
    Fault(name="wrong-range", says="A part of the file comes under a wrong offset.", at=(Place.LINK,)),
    Fault(name="changed-file", says="The link says that its file has become another one.", at=(Place.LINK,)),
    Fault(
        name="no-range",
        says="The link serves whole files only.",
        at=(Place.LINK,),
        takes=Takes.NOTHING,
        default="",
        shapes=True,
    ),
    # Callbacks that cannot be relied on.
    Fault(
        name="callback-late",
        says="Every callback comes the given seconds late.",
        at=TOLD,
        takes=Takes.SECONDS,
        default="60",
        label=Evidence.DOCUMENTED,
    ),
    Fault(name="callback-twice", says="A callback comes twice.", at=TOLD),
    Fault(name="callback-lost", says="A callback never comes.", at=TOLD),
    Fault(
        name="callback-forged",
        says="A false end comes before a callback: wrongly signed, or about another task where none is signed.",
        at=TOLD,
    ),
    Fault(name="callback-flip", says="The callback of an end is followed by one of the opposite end.", at=TOLD),
    Fault(name="callback-out-of-order", says="A callback that is no end comes after the one behind it.", at=TOLD),
)

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in CATALOG}
