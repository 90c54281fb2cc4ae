"""The reference provider: all that the interface offers, in JSON and in forms, on two routes, with signatures."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from reelway.model.http import Headers, HttpRequest, find_header
from reelway.model.request import MediaForm, MediaKind
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form
from reelway.provider.interface import Cadence, Capability, ProviderInfo
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.simulator import Simulator
from reelway.provider.videos_api import VideosApi
from tests.testing.reference import wire
from tests.testing.reference.simulator import ReferenceSimulator

LINKS = frozenset({MediaForm.URL, MediaForm.DATA})

SIGNATURE = "X-Reference-Signature"

INFO = ProviderInfo(
    name="reference",
    title="Reference Video",
    base_url="https://api.reference.example",
    key_variable="REFERENCE_API_KEY",
    docs_url="https://docs.reference.example",
    words=wire.WORDS,
    failure_kinds=wire.FAILURE_KINDS,
    cadence=Cadence(5, 15),
    capabilities=frozenset(Capability),
    nothing_created=wire.NOTHING_CREATED,
)

FORMS = {
    "video": Form(
        body=BodyStyle.JSON,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("seconds", forms.seconds_text),
            ("size", forms.pixels),
            ("seed", forms.seed),
            ("audio", forms.audio),
            ("callback_url", forms.callback_url),
            ("image", forms.first_frame_link),
            ("references", forms.reference_links),
        ),
    ),
    "upload": Form(
        body=BodyStyle.MULTIPART,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("seconds", forms.seconds_text),
            ("ratio", forms.ratio),
            ("image", forms.first_frame_file),
        ),
    ),
    "batch": Form(
        body=BodyStyle.JSON,
        route=wire.BATCH,
        rows=(("model", forms.model), ("input.prompt", forms.prompt), ("input.seconds", forms.whole_seconds)),
    ),
}

MODELS = (
    ModelSpec(
        name="ref-1-20260101",
        aliases=("ref-1",),
        form="video",
        source="/models/ref-1",
        durations=(4, 8),
        aspect_ratios=("16:9", "9:16"),
        resolutions=("720p",),
        sizes={"1280x720": ("720p", "16:9"), "720x1280": ("720p", "9:16")},
        default_resolution="720p",
        default_ratio="16:9",
        seed=True,
        audio=True,
        callback=True,
        first_frame=True,
        references={MediaKind.IMAGE: 2},
        media_forms=LINKS,
    ),
    ModelSpec(
        name="ref-upload-1",
        form="upload",
        source="/models/ref-upload-1",
        durations=(5,),
        aspect_ratios=("16:9", "1:1"),
        first_frame=True,
        media_forms=frozenset({MediaForm.FILE}),
    ),
    ModelSpec(name="ref-batch-1", form="batch", source="/models/ref-batch-1", durations=(5, 10)),
)

FALLBACK = ModelSpec(name="*", form="video", media_forms=LINKS)


class Reference(VideosApi):
    """The provider."""

    info = INFO
    models = Catalog(MODELS, fallback=FALLBACK)
    forms = FORMS
    dialects = wire.DIALECTS
    errors = wire.ERRORS
    callback_places = wire.ANSWER

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        """A DELETE where the task is read."""
        poll = self.encode_retrieve(task_id, route)
        return HttpRequest(method="DELETE", path=poll.path, query=poll.query)

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        """HMAC-SHA256 of the body."""
        proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest((find_header(headers, SIGNATURE) or "").encode(), proof.encode())

    def simulator(self) -> Simulator | None:
        """The service from the other side."""
        return ReferenceSimulator()
