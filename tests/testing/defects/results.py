"""Defects on the way to the file, and of simulators that do not speak the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Observation, Status
from reelway.provider.interface import Capability, ErrorReading
from reelway.provider.simulator import SimulatedJob, Simulator
from tests.testing.defects.defect import Document, Misread, caught_by, with_word
from tests.testing.defects.fields import link_of, with_link
from tests.testing.reference.provider import INFO, Reference
from tests.testing.reference.simulator import ReferenceSimulator, video, wrapped
from tests.testing.reference.wire import BATCH


@caught_by("results.job-becomes-a-file")
class NoWayToTheFile(Misread):
    """It reads no link and asks for the content at the wrong place."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, videos=())

    def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
        return HttpRequest(method="GET", path="v1/contents")


@caught_by("results.trouble-on-the-way-ends-nothing")
class BusyMeansRefused(Reference):
    """It takes a request too many for a refused key, and a wait gives up."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        reading = super().read_error(response)
        return replace(reading, kind=ErrorKind.AUTH) if response.status == 429 else reading


def never_running(job: SimulatedJob) -> dict[str, Any]:
    """A job as the service shows it, which is queued until it ends."""
    return video(replace(job, status=Status.QUEUED) if job.status is Status.RUNNING else job)


class LazySimulator(ReferenceSimulator):
    """Shows no job at work."""

    reads = {"": never_running, BATCH: wrapped}


@caught_by("results.simulated-state-comes-back")
class NeverRunning(Reference):
    """Its simulator shows no job at work."""

    def simulator(self) -> Simulator | None:
        return LazySimulator()


def renamed(job: SimulatedJob) -> dict[str, Any]:
    """A job under another id."""
    return video(job) | {"id": f"create-{job.task_id}"}


class RenamingSimulator(ReferenceSimulator):
    """Answers a create with another id than polls."""

    creates = {"": renamed, BATCH: wrapped}


@caught_by("results.simulated-create-names-the-job")
class TwoIds(Reference):
    """Its simulator answers a create with an id that no poll knows."""

    def simulator(self) -> Simulator | None:
        return RenamingSimulator()


@caught_by("results.simulated-link-comes-back")
class CutLink(Misread):
    """It cuts the query off the link, and with it the signature."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_link(seen, link_of(seen).partition("?")[0]) if seen.videos else seen


@caught_by("results.simulated-times-come-back")
class HoursOff(Misread):
    """It is eight hours off."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, created_at=seen.created_at and seen.created_at + timedelta(hours=8))


@caught_by("results.success-needs-no-link")
class SuccessNeedsALink(Misread):
    """It takes a success without a link for a job that still runs."""

    def after(self, document: Document, seen: Observation) -> Observation:
        done = seen.provider_status == "completed" and not seen.videos
        return with_word(seen, "in_progress") if done else seen


@caught_by("results.finished-job-has-a-way-to-its-file")
class NoFileAtAll(Misread):
    """It has neither links nor a content route."""

    info = replace(INFO, capabilities=INFO.capabilities - {Capability.CONTENT})

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, videos=())


@caught_by("results.link-ends-with-its-expiry")
class LinkWithoutAnEnd(Misread):
    """It reads when the links end, and does not tell the links."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, videos=tuple(replace(one, expires_at=None) for one in seen.videos))
