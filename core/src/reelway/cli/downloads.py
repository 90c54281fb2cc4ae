"""Where results are stored, and how one is fetched while somebody watches."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from reelway.cli.options import SaveOptions
from reelway.cli.run import Run
from reelway.cli.shapes import download_shape
from reelway.cli.views import View, size_shown
from reelway.client import AsyncClient
from reelway.errors import ConfigurationError
from reelway.model.task import Task, TaskRef
from reelway.results import Download
from reelway.storing.place import FilePlace, place_of, target_path


async def fetch(
    client: AsyncClient, task: Task | TaskRef, save: SaveOptions, view: View, timeout: float, *, into: bool = False
) -> Download:
    """Fetch one result.

    Raises:
        ConfigurationError: the place is taken, or cannot be read.
        DownloadError: it could not be fetched whole.
    """
    ref = task.ref if isinstance(task, Task) else task
    download = await client.download(
        task,
        _target(ref, save, into=into),
        overwrite=save.overwrite,
        timeout=timeout,
        progress=lambda size, total: view.received(ref, size, total),
    )
    view.stopped(ref, "saved", "green")
    return download


def report(run: Run, download: Download) -> None:
    """Tell where a result is."""
    run.screen.say(f"{size_shown(download.size)}, SHA-256 {download.sha256}")
    run.screen.result(download_shape(download), download.location)


def free_target(save: SaveOptions) -> None:
    """Make sure, before anything is paid for, that its result will have a place.

    Raises:
        ConfigurationError: the place is taken, or cannot be read.
    """
    if _is_path(save.to) and save.to is not None and not Path(save.to).is_dir():
        _free(Path(save.to), overwrite=save.overwrite)
    place_of(save.to).check(overwrite=save.overwrite)


def _target(ref: TaskRef, save: SaveOptions, *, into: bool) -> str | Path:
    """The path of one result, or what names one for each."""
    if save.to is not None and not _is_path(save.to):
        return save.to
    folder = f"{save.to}/" if save.to is not None and into else save.to
    path = target_path(Task.new(ref, datetime.now(UTC)), folder)
    _free(path, overwrite=save.overwrite)
    return path


def _is_path(to: str | None) -> bool:
    return isinstance(place_of(to), FilePlace)


def _free(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        hint = "Choose another name with --to, or pass --overwrite."
        raise ConfigurationError(f"{path} exists already.", hint=hint)
