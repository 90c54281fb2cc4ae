"""Defects of how a provider writes requests."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from reelway.model.http import HttpRequest, Multipart
from reelway.model.request import VideoRequest
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.simulator import CallKind, SimulatedCall, Simulator
from tests.testing.defects.defect import caught_by
from tests.testing.reference.provider import FALLBACK, FORMS, MODELS, Reference
from tests.testing.reference.simulator import ReferenceSimulator

SECONDS = {4: "short", 5: "five", 10: "ten"}


def without_row(form: str, place: str) -> dict[str, Any]:
    """The forms, one of them without one row."""
    rows = tuple(row for row in FORMS[form].rows if row[0] != place)
    return FORMS | {form: replace(FORMS[form], rows=rows)}


@caught_by("requests.create-is-a-relative-post")
class WholeAddress(Reference):
    """It writes the address of the service into the path of a create."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        written = super().encode_create(request, spec)
        return replace(written, path=f"https://api.reference.example/{written.path}")


@caught_by("requests.create-is-a-relative-post")
class CreateByGet(Reference):
    """It creates with GET, which every proxy may repeat."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        return replace(super().encode_create(request, spec), method="GET")


@caught_by("requests.other-calls-are-relative")
class LeadingSlash(Reference):
    """It begins the path of a poll at the root of the host."""

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        written = super().encode_retrieve(task_id, route)
        return replace(written, path=f"/{written.path}")


@caught_by("requests.other-calls-are-relative")
class QueryInThePath(Reference):
    """It writes a query into the path."""

    def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
        written = super().encode_content(task_id, route, variant)
        return replace(written, path=f"{written.path}?variant={variant}")


@caught_by("requests.nothing-of-the-account-is-written")
class OwnKey(Reference):
    """It brings a key of its own."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        written = super().encode_create(request, spec)
        return replace(written, headers=(*written.headers, ("Authorization", "Bearer trial")))


@caught_by("requests.same-request-same-bytes")
class CountsItsRequests(Reference):
    """It numbers its requests."""

    numbers = itertools.count()

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        extra = dict(request.extra) | {"number": next(self.numbers)}
        return super().encode_create(replace(request, extra=extra), spec)


@caught_by("requests.id-is-one-segment")
class PlainId(Reference):
    """It puts the id into the path as it is."""

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"v1/videos/{task_id}")


@caught_by("requests.id-is-one-segment")
class SlashesStay(Reference):
    """It quotes ids, but not their slashes."""

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"v1/videos/{quote(task_id)}")


@caught_by("requests.dangerous-id-is-refused")
class DotsPass(Reference):
    """It asks for the task named "..", which is another address."""

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"v1/videos/{quote(task_id, safe='', errors='replace')}")


@caught_by("requests.every-model-can-be-written")
class TableWithAGap(Reference):
    """Its table of durations lacks one that its catalog offers."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        if request.duration is not None:
            assert SECONDS[int(request.duration)]
        return super().encode_create(request, spec)


@caught_by("requests.supported-fields-travel")
class LostSeed(Reference):
    """It accepts a seed and leaves it out."""

    forms = without_row("video", "seed")


@caught_by("requests.supported-fields-travel")
class LostPicture(Reference):
    """It accepts a first frame for its form and sends none."""

    forms = without_row("upload", "image")


@caught_by("requests.prompt-travels-verbatim")
class TidiedPrompt(Reference):
    """It tidies the prompt up."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        return super().encode_create(replace(request, prompt=" ".join(request.prompt.split())), spec)


@caught_by("requests.unknown-model-is-passed-on")
class DefaultModel(Reference):
    """It takes its newest model in place of one that it does not know."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        known = self.models.find(request.model)
        return super().encode_create(request if known else replace(request, model="ref-1-20260101"), spec)


@caught_by("requests.body-says-what-it-is")
class UnnamedBody(Reference):
    """It does not say that its body is JSON."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        return replace(super().encode_create(request, spec), headers=())


@caught_by("requests.body-says-what-it-is")
class OwnBoundary(Reference):
    """It names the type of a form, whose boundary it cannot know."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        written = super().encode_create(request, spec)
        headers = (("Content-Type", "multipart/form-data"),) if isinstance(written.body, Multipart) else ()
        return replace(written, headers=(*written.headers, *headers))


@caught_by("requests.what-cannot-be-written-is-refused")
class LenientJson(Reference):
    """It writes NaN, which no JSON holds."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        written = super().encode_create(replace(request, extra={}), spec)
        if not isinstance(written.body, bytes):
            return written
        body = json.loads(written.body) | dict(request.extra)
        return replace(written, body=json.dumps(body, default=str).encode())


@caught_by("requests.what-cannot-be-written-is-refused")
class StumblesOverItsCaller(Reference):
    """It breaks down over half a character in the prompt."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        if not request.prompt.isprintable():
            raise RuntimeError("strange prompt")
        return super().encode_create(request, spec)


class LenientCatalog(Catalog):
    """Finds every model, and nothing is refused for it."""

    def find(self, name: str) -> ModelSpec | None:
        found = super().find(name)
        return found and replace(found, any_duration=True, any_size=True, seed=True)


@caught_by("requests.what-the-model-lacks-is-refused")
class AcceptsEverything(Reference):
    """It lists what its models take and accepts all the rest as well."""

    models = LenientCatalog(MODELS, fallback=FALLBACK)


@caught_by("requests.extra-fields-travel")
class NoExtraFields(Reference):
    """It drops the fields that only this provider knows."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        return super().encode_create(replace(request, extra={}), spec)


@caught_by("requests.arguments-stay-as-they-were")
class TakesFieldsOut(Reference):
    """It takes the fields that it has written out of the caller's own mapping."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        written = super().encode_create(request, spec)
        extra: Any = request.extra
        if extra:
            extra.clear()
        return written


class DeafSimulator(ReferenceSimulator):
    """Knows no cancel."""

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        call = super().recognise(request)
        return None if call is not None and call.kind is CallKind.CANCEL else call


@caught_by("requests.own-simulator-understands")
class MisunderstoodCancel(Reference):
    """Its own simulator does not know the cancel that it writes."""

    def simulator(self) -> Simulator | None:
        return DeafSimulator()
