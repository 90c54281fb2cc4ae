"""The options of the command. Each has one name everywhere, because each is written down here and nowhere else.

A command takes whole groups of them; :mod:`reelway.cli.entry` spreads the groups out for Typer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Struct
from typer import Argument, Option

from reelway.addresses import checked_base
from reelway.errors import InvalidRequest, Problem
from reelway.provider.models import OnUnsupported
from reelway.requesting import Note, RequestFields

Prompt = Annotated[str, Argument(help="What the video should show.")]

Tasks = Annotated[
    list[str],
    Argument(metavar="TASK...", help="References (reelway1:...), or with --provider bare ids.", show_default=False),
]

OpenTasks = Annotated[
    list[str] | None,
    Argument(
        metavar="[TASK...]",
        help="References (reelway1:...), or with --provider bare ids; without any, all that is unfinished.",
        show_default=False,
    ),
]

OneTask = Annotated[str, Argument(metavar="TASK", help="A reference (reelway1:...), or with --provider a bare id.")]

PROVIDERS, REQUEST, WAITING, RESULT, OUTPUT = "Provider", "Request", "Waiting", "Result", "Output"
MEMORY, ENGINE = "Memory", "Many machines"
"""The panels of the help."""


CALLBACKS_VARIABLE: Final = "REELWAY_CALLBACKS"


class Options(Struct, frozen=True, kw_only=True):
    """A group of options; each field is one."""


class ScreenOptions(Options, frozen=True, kw_only=True):
    """How a command speaks. Every command has these."""

    json: Annotated[
        bool, Option("--json", help="Write JSON, one object per line.", rich_help_panel=OUTPUT, show_default=False)
    ] = False
    quiet: Annotated[
        bool,
        Option("--quiet", "-q", help="Write nothing but the result.", rich_help_panel=OUTPUT, show_default=False),
    ] = False
    verbose: Annotated[
        bool,
        Option(
            "--verbose",
            "-v",
            help="Tell each time that something is tried again, and each pause.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = False


PrivateLinks = Annotated[
    bool,
    Option(
        "--allow-private-links",
        help="Result links may lead to loopback and private addresses: sandbox, closed networks.",
        rich_help_panel=PROVIDERS,
        show_default=False,
    ),
]

PollEvery = Annotated[
    float | None,
    Option(
        "--poll-every",
        metavar="SECONDS",
        min=0.1,
        help="Ask this often, in place of what the provider asks for: for sandboxes.",
        rich_help_panel=WAITING,
    ),
]

LedgerUrl = Annotated[
    str | None,
    Option(
        "--ledger",
        metavar="URL",
        help="Where jobs are remembered, such as sqlite:jobs.db; `none` for nowhere; also from the environment, as "
        "REELWAY_LEDGER.",
        rich_help_panel=MEMORY,
    ),
]


class LedgerOptions(Options, frozen=True, kw_only=True):
    """Which ledger is meant, where nothing else is."""

    ledger: LedgerUrl = None

    @property
    def arguments(self) -> list[str]:
        """The options with which another command has the same ledger."""
        return ["--ledger", self.ledger] if self.ledger else []


class NoteOptions(Options, frozen=True, kw_only=True):
    """What is kept with a job; no provider sees it."""

    label: Annotated[
        str | None, Option("--label", metavar="TEXT", help="To find the job by.", rich_help_panel=MEMORY)
    ] = None
    idempotency_key: Annotated[
        str | None,
        Option(
            "--idempotency-key",
            metavar="TEXT",
            help="A name for the wish: the same again gives the same task, and no second one.",
            rich_help_panel=MEMORY,
        ),
    ] = None
    replaces: Annotated[
        str | None,
        Option(
            "--replaces",
            metavar="SUBMISSION",
            help="A submission in doubt that is given up for this one.",
            rich_help_panel=MEMORY,
        ),
    ] = None

    def note(self) -> Note:
        """What is kept."""
        return Note(label=self.label, idempotency_key=self.idempotency_key, replaces=self.replaces)


class CallbackOptions(Options, frozen=True, kw_only=True):
    """Where the provider is to post changes of the job."""

    callbacks: Annotated[
        str | None,
        Option(
            "--callbacks",
            metavar="URL",
            help="Where a receiver of the ledger, such as `reelway serve`, is reached; the job gets an address "
            "of its own there. Also from the environment, as REELWAY_CALLBACKS.",
            rich_help_panel=MEMORY,
        ),
    ] = None

    def base(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Where the addresses begin, if there are to be any.

        Raises:
            ConfigurationError: nobody could post there.
        """
        named = self.callbacks or environ.get(CALLBACKS_VARIABLE)
        return checked_base(named) if named else None


class ProviderOptions(Options, frozen=True, kw_only=True):
    """Which provider is meant."""

    provider: Annotated[
        str | None,
        Option(
            "--provider",
            "-p",
            metavar="NAME",
            help="The provider; may be left out where only one installed provider has its key set.",
            rich_help_panel=PROVIDERS,
        ),
    ] = None


class AccountOptions(ProviderOptions, frozen=True, kw_only=True):
    """Which provider is asked, where, and with which key. Keys come from the environment alone."""

    base_url: Annotated[
        str | None,
        Option(
            "--base-url",
            metavar="URL",
            help="Another address than the provider's own; also from the environment, as <NAME>_BASE_URL.",
            rich_help_panel=PROVIDERS,
        ),
    ] = None
    key_variable: Annotated[
        str | None,
        Option(
            "--key-variable",
            metavar="NAME",
            help="The environment variable that holds the key, in place of the provider's own.",
            rich_help_panel=PROVIDERS,
        ),
    ] = None
    account: Annotated[
        str | None,
        Option(
            "--account",
            metavar="NAME",
            help="One of several accounts at the provider, by a name of yours: the key of `work` is in the "
            "provider's variable with _WORK behind it. References say it themselves.",
            rich_help_panel=PROVIDERS,
        ),
    ] = None
    allow_private_links: PrivateLinks = False
    ledger: LedgerUrl = None

    @property
    def memory(self) -> list[str]:
        """The options with which another command has the same ledger."""
        return LedgerOptions(ledger=self.ledger).arguments

    @property
    def arguments(self) -> list[str]:
        """The options that another command needs to reach the same tasks."""
        named = {"--base-url": self.base_url, "--key-variable": self.key_variable, "--ledger": self.ledger}
        given = [part for option, value in named.items() if value for part in (option, value)]
        return [*given, *(["--allow-private-links"] if self.allow_private_links else [])]


class TaskOptions(AccountOptions, frozen=True, kw_only=True):
    """Where given tasks are. A bare id leaves open what a reference says."""

    route: Annotated[
        str | None,
        Option(
            "--route",
            metavar="NAME",
            help="For bare ids: which of the provider's read paths they live on. References say it themselves.",
            rich_help_panel=PROVIDERS,
        ),
    ] = None


class ModelOptions(Options, frozen=True, kw_only=True):
    """The model, where it may be left out."""

    model: Annotated[
        str | None,
        Option("--model", "-m", metavar="NAME", help="The model, where the provider asks for it."),
    ] = None


class RequestOptions(Options, frozen=True, kw_only=True):
    """What to make. What is left out, the provider decides."""

    model: Annotated[
        str,
        Option("--model", "-m", metavar="NAME", help="The model, see `reelway models`.", rich_help_panel=REQUEST),
    ]
    duration: Annotated[
        float | None, Option("--duration", metavar="SECONDS", help="The length.", rich_help_panel=REQUEST)
    ] = None
    aspect_ratio: Annotated[
        str | None, Option("--aspect-ratio", metavar="W:H", help="For instance 16:9.", rich_help_panel=REQUEST)
    ] = None
    resolution: Annotated[
        str | None, Option("--resolution", metavar="NAME", help="For instance 720p.", rich_help_panel=REQUEST)
    ] = None
    size: Annotated[
        str | None,
        Option(
            "--size",
            metavar="WxH",
            help="Exact pixels, in place of the two above.",
            rich_help_panel=REQUEST,
        ),
    ] = None
    seed: Annotated[
        int | None,
        Option("--seed", metavar="NUMBER", help="For models that repeat themselves.", rich_help_panel=REQUEST),
    ] = None
    first_frame: Annotated[
        str | None,
        Option("--first-frame", metavar="FILE|URL", help="The picture to start from.", rich_help_panel=REQUEST),
    ] = None
    last_frame: Annotated[
        str | None,
        Option("--last-frame", metavar="FILE|URL", help="The picture to end on.", rich_help_panel=REQUEST),
    ] = None
    reference: Annotated[
        list[str],
        Option(
            "--reference",
            metavar="FILE|URL",
            help="A picture, clip or sound that the prompt speaks of. Repeatable.",
            rich_help_panel=REQUEST,
            show_default=False,
        ),
    ] = []
    audio: Annotated[
        bool | None, Option("--audio/--no-audio", help="With a sound track or without.", rich_help_panel=REQUEST)
    ] = None
    callback_url: Annotated[
        str | None,
        Option(
            "--callback-url",
            metavar="URL",
            help="Where the provider should post changes.",
            rich_help_panel=REQUEST,
        ),
    ] = None
    extra: Annotated[
        list[str],
        Option(
            "--extra",
            metavar="KEY=VALUE",
            help="A field that only this provider knows; the value is JSON, or else text. Repeatable.",
            rich_help_panel=REQUEST,
            show_default=False,
        ),
    ] = []
    on_unsupported: Annotated[
        OnUnsupported,
        Option(
            "--on-unsupported",
            help="What to do with a field that the model does not document.",
            rich_help_panel=REQUEST,
        ),
    ] = OnUnsupported.ERROR

    def fields(self) -> RequestFields:
        """The fields of the request.

        Raises:
            InvalidRequest: an extra field is no ``KEY=VALUE``.
        """
        return RequestFields(
            model=self.model,
            duration=self.duration,
            aspect_ratio=self.aspect_ratio,
            resolution=self.resolution,
            size=self.size,
            seed=self.seed,
            first_frame=self.first_frame,
            last_frame=self.last_frame,
            references=self.reference,
            audio=self.audio,
            callback_url=self.callback_url,
            extra=dict(map(extra_field, self.extra)),
        )


class WaitOptions(Options, frozen=True, kw_only=True):
    """How to wait."""

    timeout: Annotated[
        float,
        Option(
            "--timeout",
            metavar="SECONDS",
            min=0,
            help="How long to wait; the job goes on after it.",
            rich_help_panel=WAITING,
        ),
    ] = 1800.0
    poll_every: PollEvery = None

    @property
    def arguments(self) -> list[str]:
        """The options with which another command waits in the same way."""
        return [] if self.poll_every is None else ["--poll-every", f"{self.poll_every:g}"]


class TimeoutOptions(Options, frozen=True, kw_only=True):
    """How long something may take."""

    timeout: Annotated[
        float,
        Option("--timeout", metavar="SECONDS", min=0, help="For the whole of it.", rich_help_panel=WAITING),
    ] = 1800.0


class SaveOptions(Options, frozen=True, kw_only=True):
    """Where to store a result."""

    to: Annotated[
        str | None,
        Option(
            "--to",
            metavar="PLACE",
            help="A file, a folder, a template such as videos/{provider}/{id}.mp4, or s3://, gs://, az://; "
            "by default <id>.mp4 in the present folder.",
            rich_help_panel=RESULT,
        ),
    ] = None
    overwrite: Annotated[
        bool,
        Option("--overwrite", help="Replace a file of that name.", rich_help_panel=RESULT, show_default=False),
    ] = False

    @property
    def arguments(self) -> list[str]:
        """The options with which another command stores to the same place."""
        to = ["--to", self.to] if self.to else []
        return [*to, *(["--overwrite"] if self.overwrite else [])]


def extra_field(written: str) -> tuple[str, Any]:
    """One field of ``extra``: ``KEY=VALUE``, the value read as JSON where it is JSON.

    Raises:
        InvalidRequest: there is no key.
    """
    key, equals, value = written.partition("=")
    if not (key and equals):
        raise InvalidRequest([Problem(field="extra", message=f"{written!r} is not of the form KEY=VALUE")])
    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value
