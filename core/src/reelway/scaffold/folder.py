"""A description becomes the files of a plugin: real files with holes in them, and what fills the holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any, Final

import msgspec

from reelway.errors import ConfigurationError
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.provider.interface import INTERFACE_VERSION
from reelway.scaffold.description import Description, Protocol, TimeUnit

SUFFIX: Final = ".template"

SUITE: Final = 1
"""The suite of checks that the files are written for."""

CREATED: Final = datetime(2025, 11, 28, 16, 24, 50, tzinfo=UTC)
COMPLETED: Final = datetime(2025, 11, 28, 16, 26, 30, tzinfo=UTC)
"""The times in the samples."""

VIDEO: Final = "https://cdn.example.com/task_7.mp4"

TIMES: Final[Mapping[TimeUnit, tuple[str, str]]] = {
    TimeUnit.SECONDS: ("int", "int(moment.timestamp())"),
    TimeUnit.MILLISECONDS: ("int", "int(moment.timestamp() * 1000)"),
    TimeUnit.ISO: ("str", "moment.isoformat()"),
}
"""How the simulator writes a moment: the type of it, and the expression."""

FORMS: Final[Mapping[BodyStyle, tuple[str, str]]] = {
    BodyStyle.JSON: ('("input_reference.image_url", forms.first_frame_link)', "MediaForm.URL, MediaForm.DATA"),
    BodyStyle.MULTIPART: ('("input_reference", forms.first_frame_file)', "MediaForm.FILE"),
}
"""How a picture travels: its row in the form, and what it may be. Places: openai-python, video_create_params.py."""

LACKS: Final[Mapping[Protocol, tuple[str, ...]]] = {
    Protocol.VIDEOS: ("callbacks", "cancel", "remix", "signatures"),
    Protocol.OWN: ("callbacks", "cancel", "content", "remix", "signatures"),
}
"""What the contract need not ask for."""

CREATE_PATHS: Final = {Protocol.VIDEOS: "v1/videos", Protocol.OWN: "v1/tasks"}


def render(described: Description) -> dict[PurePosixPath, str]:
    """The files of the plugin, by their paths in its folder."""
    holes = holes_of(described)
    root = files("reelway.scaffold") / "templates"
    parts = (root / "common", root / described.protocol.value)
    return {
        PurePosixPath(Template(path.removesuffix(SUFFIX)).substitute(holes)): Template(text).substitute(holes)
        for part in parts
        for path, text in _templates(part)
    }


def write(rendered: Mapping[PurePosixPath, str], folder: Path) -> None:
    """Write the files into a folder that is new or empty.

    Raises:
        ConfigurationError: something is there already, or nothing can be written there.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            hint = "Name another folder with --to."
            raise ConfigurationError(f"{folder} is there already and not empty; nothing was written.", hint=hint)
        for path, text in rendered.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from error


def holes_of(described: Description) -> dict[str, str]:
    """What fills the holes of the templates."""
    camel = "".join(part.capitalize() for part in described.name.split("-"))
    cannot = [*LACKS[described.protocol], *([] if described.link else ["links"])]
    frame_row, media_forms = FORMS[described.body]
    time_type, time_value = TIMES[described.time_unit]
    return {
        "name": described.name,
        "title": described.shown_title,
        "package": package_of(described.name),
        "camel": camel,
        "base_url": described.address,
        "key_variable": f"{described.name.upper().replace('-', '_')}_API_KEY",
        "create_path": CREATE_PATHS[described.protocol],
        "body_style": described.body.name,
        "frame_row": frame_row,
        "media_forms": media_forms,
        "mapping_more": " and an answer is read" if described.protocol is Protocol.OWN else "",
        "time_type": time_type,
        "time_value": time_value,
        "cannot": f"({', '.join(map(_quoted, sorted(cannot)))})",
        "interface": str(INTERFACE_VERSION),
        "suite": str(SUITE),
        **_words(described),
        **_link(described),
        **_times(described.time_unit),
    }


def package_of(name: str) -> str:
    """The import name of a provider's plugin."""
    return f"reelway_{name.replace('-', '_')}"


def _words(described: Description) -> dict[str, str]:
    """The tables of words, in both directions, and the word of each status in the samples."""
    folded = described.all_words
    # A service writes its words as they were said; of several for one status, the first.
    said = {meant: word for word, meant in reversed([*(described.words or {}).items()])}
    written = {meant: word for word, meant in folded.items()} | said
    ends = {status: written.get(status, written[Status.FAILED]) for status in Status if status is not Status.LOST}
    samples = (Status.QUEUED, Status.RUNNING, Status.SUCCEEDED, Status.FAILED)
    return {
        "words": "\n".join(f"    {_quoted(word)}: Status.{meant.name}," for word, meant in folded.items()),
        "status_words": "\n".join(f"    Status.{status.name}: {_quoted(word)}," for status, word in ends.items()),
        **{f"{status.value}_json": _quoted(written[status]) for status in samples},
    }


def _link(described: Description) -> dict[str, str]:
    """Where the link of a finished task is read, written and shown in a sample."""
    if not described.link:
        return {"link_places": "()", "link_lines": "", "link_json": "", "link_reading_json": "null"}
    first, *inner = described.link.split(".")
    lines = f"\n    if job.video_url:\n        document[{_quoted(first)}] = {_nested(inner, 'job.video_url')}"
    return {
        "link_places": f"({_quoted(described.link)},)",
        "link_lines": lines,
        "link_json": f",\n  {_quoted(first)}: {_nested(inner, _quoted(VIDEO))}",
        "link_reading_json": _quoted(VIDEO),
    }


def _nested(path: list[str], value: str) -> str:
    """A value below a path, in what both JSON and Python read."""
    for key in reversed(path):
        value = f"[{value}]" if key == "0" else f"{{{_quoted(key)}: {value}}}"
    return value


def _times(unit: TimeUnit) -> dict[str, str]:
    moments = {"created_json": CREATED, "completed_json": COMPLETED}
    return {hole: _quoted(_moment(moment, unit)) for hole, moment in moments.items()}


def _moment(moment: datetime, unit: TimeUnit) -> int | str:
    seconds = int(moment.timestamp())
    written: dict[TimeUnit, int | str] = {
        TimeUnit.SECONDS: seconds,
        TimeUnit.MILLISECONDS: seconds * 1000,
        TimeUnit.ISO: moment.isoformat(),
    }
    return written[unit]


def _quoted(value: Any) -> str:
    """A plain text or number, as JSON and Python write it."""
    return msgspec.json.encode(value).decode()


def _templates(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield f"{above}{entry.name}", entry.read_text(encoding="utf-8")
