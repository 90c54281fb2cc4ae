"""`new-provider`: the folder that a provider plugin begins with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib.metadata import distributions
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from msgspec.structs import replace
from typer import Argument, Option

from reelway.cli.options import Options
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.errors import InvalidRequest, Problem
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.scaffold.description import LINK, MEANINGS, WORDS, Description, Protocol, TimeUnit, problems_in

Choice = TypeVar("Choice", bound=StrEnum)

SERVICE: Final = "Service"


class ServiceOptions(Options, frozen=True, kw_only=True):
    """What the service is like. On a terminal, what is left out is asked for."""

    protocol: Annotated[
        Protocol | None,
        Option(
            "--protocol",
            help="What it speaks: the OpenAI-style /v1/videos, which is the default, or an API of its own.",
            rich_help_panel=SERVICE,
        ),
    ] = None
    title: Annotated[
        str | None,
        Option("--title", metavar="TEXT", help="Its name as people write it.", rich_help_panel=SERVICE),
    ] = None
    base_url: Annotated[
        str | None,
        Option("--base-url", metavar="URL", help="Where it lives.", rich_help_panel=SERVICE),
    ] = None
    word: Annotated[
        list[str],
        Option(
            "--word",
            metavar="WORD=STATUS",
            help=f"A status word of its own, and what it means: {', '.join(MEANINGS)}. Repeatable; by default "
            "OpenAI's words.",
            rich_help_panel=SERVICE,
            show_default=False,
        ),
    ] = []
    time_unit: Annotated[
        TimeUnit | None,
        Option("--time-unit", help="How it writes a moment; by default in seconds.", rich_help_panel=SERVICE),
    ] = None
    link: Annotated[
        str | None,
        Option(
            "--link",
            metavar="PLACE",
            help=f"Where its answers keep the link, such as data.output.0; by default {LINK}. Empty where only the "
            "content route has the video.",
            rich_help_panel=SERVICE,
        ),
    ] = None
    body: Annotated[
        BodyStyle | None,
        Option("--body", help="How a create travels; by default as JSON.", rich_help_panel=SERVICE),
    ] = None
    to: Annotated[
        Path | None,
        Option("--to", metavar="FOLDER", help="A new folder; by default reelway-<name>, here."),
    ] = None


def new_provider(
    run: Run,
    name: Annotated[str, Argument(metavar="NAME", help="What the provider will be called.")],
    service: ServiceOptions,
) -> None:
    """Write the folder of a provider plugin: tables, a simulator, samples, a contract test and a page.

    It installs and runs as it is, against its own simulator; what it does not know yet is marked as assumed. A name
    that is taken and a folder that holds something are refused, and then nothing is written.
    """
    described = _described(name, service)
    _refuse([*_taken(name), *problems_in(described)])
    if run.screen.talks and sys.stdin.isatty():
        described = _asked(described, service)
        _refuse(problems_in(described))
    from reelway.scaffold.folder import render, write

    folder = service.to or Path(f"reelway-{name}")
    rendered = render(described)
    write(rendered, folder)
    shape = {"provider": name, "folder": str(folder), "files": [str(path) for path in sorted(rendered)]}
    run.screen.result(shape, str(folder))
    run.screen.say(
        f"Next: python -m pip install -e '{folder}[test]'\n"
        f"      reelway conform {name} --samples {folder / 'tests' / 'samples'}\n"
        f"      Then {folder / 'README.md'} says what is still assumed."
    )


def _described(name: str, service: ServiceOptions) -> Description:
    """What the options say."""
    return Description(
        name=name,
        protocol=service.protocol or Protocol.VIDEOS,
        title=service.title or "",
        base_url=service.base_url or "",
        words=dict(map(_word, service.word)),
        time_unit=service.time_unit or TimeUnit.SECONDS,
        link=LINK if service.link is None else service.link,
        body=service.body or BodyStyle.JSON,
    )


def _word(written: str) -> tuple[str, Status]:
    word, equals, meant = written.rpartition("=")
    if not equals or meant not in MEANINGS:
        message = f"{written[:80]!r} is not of the form WORD=STATUS"
        raise InvalidRequest([Problem(field="word", message=message, allowed=MEANINGS)])
    return word, Status(meant)


def _taken(name: str) -> Iterable[Problem]:
    """Whether something installed has the name already, be it broken or not."""
    reports = installed().load_all()
    taken = {one: report.distribution for report in reports for one in (report.plugin, *report.providers)}
    others = {str(one.name).lower().replace("_", "-") for one in distributions() if one.name}
    if name in taken:
        yield Problem(field="name", message=f"{name!r} is taken by {taken[name]}")
    elif f"reelway-{name}" in others:
        yield Problem(field="name", message=f"a distribution reelway-{name} is installed already")


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InvalidRequest(problems)


def _asked(described: Description, service: ServiceOptions) -> Description:
    """The description with the answers of whoever sits at the terminal to what no option said."""
    answers = {field: ask(described) for field, ask in QUESTIONS.items() if not _said(service, field)}
    return replace(described, **answers)


def _said(service: ServiceOptions, field: str) -> bool:
    value = getattr(service, {"words": "word"}.get(field, field))
    return bool(value) if field == "words" else value is not None


def _ask(question: str, default: str) -> str:
    # On the error stream: the output belongs to the result.
    return str(typer.prompt(question, default=default, err=True)).strip()


def _choose(question: str, kinds: type[Choice], default: Choice) -> Choice:
    while (given := _ask(f"{question} ({', '.join(kinds)})", default.value)) not in list(kinds):
        typer.echo(f"{given[:40]!r} is none of them.", err=True)
    return kinds(given)


def _ask_words(described: Description) -> dict[str, Status]:
    usual = {meant: word for word, meant in WORDS.items()}
    said: dict[str, Status] = {}
    for meant, word in usual.items():
        given = _ask(f"Its words for {meant}, joined by commas", word).split(",")
        said |= {one.strip(): meant for one in given if one.strip()}
    return said


def _ask_link(described: Description) -> str:
    given = _ask("Where do its answers keep the link (- for nowhere)", described.link)
    return "" if given == "-" else given


QUESTIONS: Final[dict[str, Callable[[Description], Any]]] = {
    "protocol": lambda known: _choose("What does it speak", Protocol, known.protocol),
    "title": lambda known: _ask("Its name as people write it", known.shown_title),
    "base_url": lambda known: _ask("Where does it live", known.address),
    "words": _ask_words,
    "time_unit": lambda known: _choose("How does it write a moment", TimeUnit, known.time_unit),
    "link": _ask_link,
    "body": lambda known: _choose("How does a create travel", BodyStyle, known.body),
}
"""What is asked for, in this order."""
