"""What some providers cannot do, and what therefore does not concern them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Feature(StrEnum):
    """Something that a provider either can do, or has to be said not to."""

    INSTALLED = "installed"
    SIMULATOR = "simulator"
    SAMPLES = "samples"
    CONTENT = "content"
    REMIX = "remix"
    CANCEL = "cancel"
    CALLBACKS = "callbacks"
    SIGNATURES = "signatures"
    IDS = "ids"
    PROGRESS = "progress"
    TIMES = "times"
    LINKS = "links"
    REASONS = "reasons"
    MODELS = "models"


MEANINGS: Final[Mapping[Feature, str]] = {
    Feature.INSTALLED: "a plugin brings it",
    Feature.SIMULATOR: "`simulator()` gives the service from the other side",
    Feature.SAMPLES: "there is a folder of recorded answers",
    Feature.CONTENT: "its content route is among its capabilities",
    Feature.REMIX: "likewise",
    Feature.CANCEL: "likewise",
    Feature.CALLBACKS: "likewise",
    Feature.SIGNATURES: "it has a `verify_callback` of its own",
    Feature.IDS: "the answer to a poll names the task",
    Feature.PROGRESS: "some answer shows it",
    Feature.TIMES: "some answer says when the task was created",
    Feature.LINKS: "some answer has a link to the result",
    Feature.REASONS: "some answer says why a task ended badly",
    Feature.MODELS: "some answer names the model",
}
"""When a provider has each of them."""
