"""Defects of how a provider reads callbacks and their signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

from msgspec.structs import replace

from reelway.model.http import Headers, find_header
from reelway.model.observation import Observation
from reelway.provider.interface import Capability
from reelway.provider.videos_api import Places
from tests.testing.defects.defect import caught_by
from tests.testing.reference.provider import INFO, SIGNATURE, Reference


@caught_by("callbacks.unclaimed-callback-is-not-read")
class UnclaimedCallbacks(Reference):
    """It reads callbacks, although it says that there are none."""

    info = replace(INFO, capabilities=INFO.capabilities - {Capability.CALLBACKS})

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        return [Observation(task_id="task_1")]


@caught_by("callbacks.callback-names-its-task")
class CallbackAboutNobody(Reference):
    """It looks for the task of a callback where there is none."""

    callback_places = Places(ids=("task.id",))


@caught_by("callbacks.unreadable-callback-is-refused")
class TrustsTheCaller(Reference):
    """It breaks down over a callback that is no JSON."""

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        return [self.observe(json.loads(body), self.callback_places)]


@caught_by("callbacks.bad-signature-proves-nothing")
class UnsignedPasses(Reference):
    """It lets callbacks pass that are not signed at all."""

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        return find_header(headers, SIGNATURE) is None or super().verify_callback(headers, body, secret, now)


@caught_by("callbacks.bad-signature-proves-nothing")
class SignatureBreaksIt(Reference):
    """It breaks down over a signature that is not ASCII."""

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(find_header(headers, "webhook-signature") or "", proof)


@caught_by("callbacks.bad-signature-proves-nothing")
class BeginningOfASignature(Reference):
    """It compares as much of a signature as there is, so that an empty one fits."""

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return proof.startswith(find_header(headers, "webhook-signature") or "")
