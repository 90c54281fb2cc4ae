"""What some providers cannot do, and what therefore does not concern them."""

from __future__ import annotations

from enum import StrEnum


class Feature(StrEnum):
    """Something that a provider either can do, or has to be said not to."""

    INSTALLED = "installed"
    """An entry point brings it."""
    SIMULATOR = "simulator"
    """Its service is simulated."""
    SAMPLES = "samples"
    """There are recorded answers."""
    CONTENT = "content"
    REMIX = "remix"
    CANCEL = "cancel"
    CALLBACKS = "callbacks"
    SIGNATURES = "signatures"
    """Its callbacks are signed."""
    IDS = "ids"
    """An answer to a poll names the task."""
    PROGRESS = "progress"
    TIMES = "times"
    """Its answers say when a task was created."""
    LINKS = "links"
    """A finished task has a link."""
    REASONS = "reasons"
    """A task that ended badly says why."""
    MODELS = "models"
    """Its answers name the model."""
