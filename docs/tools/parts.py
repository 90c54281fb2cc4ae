"""The generated parts of pages that are written by hand."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import asdict

import reelway.errors as errors_module
from reelway import Account, Media, VideoRequest
from reelway.cli.app import GROUPS, PANELS
from reelway.cli.entry import name_of
from reelway.cli.exit_codes import MEANINGS
from reelway.errors import KIND_FACTS, InvalidRequest, ProviderError, ReelwayError
from reelway.flow import fetch, follow, schedule, stream
from reelway.flow.media import without_bytes
from reelway.ledger.sqlite_file import TROUBLE
from reelway.model.http import HttpRequest, Multipart
from reelway.model.lifecycle import NOT_FOUND_LIMIT, TRANSITIONS, Cell, Effect, Seen, State
from reelway.model.observation import Status
from reelway.operations import POLL_SECONDS, WAIT_SECONDS
from reelway.provider.interface import Provider
from reelway.provider.models import OnUnsupported, check
from reelway.provider.registry import Registry
from reelway.sandbox import CATALOG, Fault
from reelway.sandbox.faults import Takes
from reelway.storing import bucket
from reelway.storing.template import FIELDS
from reelway.tracker import storing
from reelway.transport.async_driver import IN_FLIGHT
from reelway.transport.sync_driver import THREADS
from tools.markup import code, fence, first_paragraph, join, table, yes

EXAMPLES: Final = Path(__file__).parents[1] / "examples"

ENDS: Final = tuple(status for status in Status if status.final and status is not Status.LOST)
"""The ends that a provider can tell of."""

# --- the life of a task ---


def diagram() -> str:
    """The moves of the table as a Mermaid state diagram; a state that may end in every way has one arrow for it."""
    lines = [f"    {name} --> {to}" for state, row in TRANSITIONS.items() for name, to in _moves(state, row)]
    lost = [f"    {state} --> lost : not found, {NOT_FOUND_LIMIT} times" for state in ("queued", "running")]
    ends = ["    state final {", *(f"        {status}" for status in ENDS), "    }"]
    return fence("mermaid", "\n".join(["stateDiagram-v2", *ends, *lines, *lost, "    final --> [*]"]))


def _moves(state: State, row: Mapping[Seen, Cell]) -> Iterable[tuple[str, str]]:
    """The arrows that leave a state."""
    name = "[*]" if state is State.NEW else str(state)
    targets = {cell.to: cell.effect for cell in row.values() if cell.to is not None}
    anyhow = set(ENDS) <= set(targets)
    for to, effect in targets.items():
        if not (anyhow and to in ENDS):
            yield name, f"{to} : requeued" if effect is Effect.REQUEUE else str(to)
    if anyhow:
        yield name, "final"


def transition_table() -> str:
    """The whole table, a row for each state."""
    rows = ([f"**{state}**", *(_cell(row[seen]) for seen in Seen)] for state, row in TRANSITIONS.items())
    return table(["now \\ seen", *Seen], rows)


def _cell(cell: Cell) -> str:
    if cell.effect is Effect.MOVE:
        return f"→ {cell.to}"
    return f"{cell.effect} → {cell.to}" if cell.to else str(cell.effect)


# --- errors ---


def error_tree() -> str:
    """The tree, as the module draws it."""
    drawing = [line[4:] for line in (errors_module.__doc__ or "").splitlines() if line.startswith("    ")]
    return fence("text", "\n".join(drawing))


def error_classes() -> str:
    """What each class carries."""
    rows = ([code(one.__name__), *_facts(one), first_paragraph(one)] for one in _all_errors(ReelwayError))
    return table(["class", "fault", "retryable", "resubmit safe", "billed", "meaning"], rows)


def _facts(error: type[ReelwayError]) -> Iterable[str]:
    """What every error of a class has in common; for a provider's answer, some of it follows from the kind."""
    by_kind = issubclass(error, ProviderError)
    yield from ("by kind", "by kind") if by_kind else (str(error.fault), yes(error.retryable))
    yield from (yes(error.resubmit_safe), str(error.billed))


def error_kinds() -> str:
    """The kinds of provider errors."""
    rows = ([code(kind), yes(facts.retryable), facts.fault, facts.hint] for kind, facts in KIND_FACTS.items())
    return table(["kind", "retryable", "fault", "what to do"], rows)


def _all_errors(base: type[ReelwayError]) -> Iterable[type[ReelwayError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors_module.__name__:
            yield from _all_errors(child)


def commands() -> str:
    """The commands, in the order of the help."""
    alone = [(name_of(body), body) for panel in PANELS.values() for body in panel]
    grouped = [(f"{name} {name_of(body)}", body) for name, group in GROUPS.items() for body in group.bodies]
    return table(["command", "does"], ([code(name), first_paragraph(body)] for name, body in alone + grouped))


def exit_codes() -> str:
    """The exit codes of the command."""
    return table(["code", "meaning"], ([f"{number:d}", meaning] for number, meaning in MEANINGS.items()))


# --- the ledger ---


def troubles() -> str:
    """What can be the matter with a SQLite file, and what to do about it."""
    return table(["what is said", "what to do"], ([what, hint] for what, hint in TROUBLE.values()))


# --- requests ---


def request_fields() -> str:
    """The fields of a request, with the types that a caller may give."""
    meanings = _attributes(VideoRequest)
    rows = (
        [code(field.name), code(_given(str(VideoRequest.__annotations__[field.name]))), meanings[field.name]]
        for field in msgspec.structs.fields(VideoRequest)
    )
    return table(["field", "type", "meaning"], rows)


def _given(annotation: str) -> str:
    """A type as a reader has to know it."""
    short = re.sub(r"tuple\[(\w+), \.\.\.\]", r"list of \1", annotation.removesuffix(" | None"))
    return re.sub(r"Mapping\[.*\]", "mapping", short)


def _attributes(documented: type) -> dict[str, str]:
    """The texts of the section ``Attributes`` of a docstring."""
    _, _, section = (inspect.getdoc(documented) or "").partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "`") for name, text in found}


BOAT: Final = Media(url="https://example.com/boat.png")

CANONICAL: Final = (
    VideoRequest(model="seedance-2", prompt="A boat", duration=5, aspect_ratio="16:9", resolution="720p"),
    VideoRequest(model="seedance-1-5-pro", prompt="A boat", duration=5, aspect_ratio="16:9", resolution="720p"),
    VideoRequest(model="seedance-2", prompt="A boat", duration=5, first_frame=BOAT, references=(BOAT,)),
)
"""Requests in the user's terms that are shown as each provider gets them."""


def one_request() -> str:
    """Each canonical request, and what becomes of it at each installed provider that has the model."""
    providers = Registry.installed().providers
    return "\n\n".join(block for wish in CANONICAL for block in _wish_and_requests(wish, providers))


def _wish_and_requests(wish: VideoRequest, providers: Iterable[Provider]) -> Iterable[str]:
    given = {name: value for name, value in asdict(wish).items() if value not in (None, (), {}, "A boat")}
    shown = {name: _shown(value) for name, value in given.items()}
    yield f"**{code(join(f'{name}={value}' for name, value in shown.items()))}**"
    for provider in providers:
        if provider.models.find(wish.model):
            yield from _request(provider, wish)


def _shown(value: object) -> str:
    """A value as a reader would write it."""
    text = repr(value).replace(f"({BOAT!r},)", "[boat]").replace(repr(BOAT), "boat")
    return text.replace("'", '"')


def _request(provider: Provider, wish: VideoRequest) -> Iterable[str]:
    try:
        checked = check(wish, provider.models, OnUnsupported.ERROR)
    except InvalidRequest as error:
        yield f"{provider.info.title}: refused, and nothing is sent. {join(map(str, error.problems))}."
        return
    request = provider.encode_create(without_bytes(checked.request, checked.spec), checked.spec)
    style = "a form" if isinstance(request.body, Multipart) else "JSON"
    yield f"{provider.info.title}: `{request.method} /{request.path}`, {style}"
    yield _body(request)


def _body(request: HttpRequest) -> str:
    if not isinstance(request.body, Multipart):
        return fence("json", msgspec.json.format(request.body or b"", indent=2).decode())
    files = [(part.field, f"(file, {part.content_type})") for part in request.body.files]
    return fence("text", "\n".join(f"{name} = {value}" for name, value in (*request.body.fields, *files)))


# --- numbers ---


def waiting_numbers() -> str:
    """The constants of waiting."""
    rows = {
        "growth of each pause": f"× {schedule.GROWTH:g}",
        "variation of each pause": f"± {schedule.JITTER:.0%}",
        "longest `Retry-After` that is kept": _seconds(schedule.RETRY_AFTER_CAP),
        "longest pause after trouble": f"{_seconds(schedule.TROUBLE_CAP)}, or the provider's maximum, if longer",
        "failed questions in a row that end a wait": str(follow.FAILURE_LIMIT),
        "`timeout` of `wait`, `watch`, `as_completed`": f"{_seconds(WAIT_SECONDS)}, where none is given",
        "longest exchange": _seconds(POLL_SECONDS),
        "`requests_per_second` of an account": f"{Account('any').requests_per_second:g}, where none is given",
        "polls of one account under way at once, in asyncio": str(IN_FLIGHT),
        "exchanges of one account under way at once in one `as_completed`, in threads": str(THREADS),
    }
    return table(["what", "how much"], rows.items())


def download_limits() -> str:
    """The constants of downloads."""
    inactivity = next(one.default for one in msgspec.structs.fields(stream.FetchPlan) if one.name == "inactivity")
    rows = {
        "`limit`: bytes of a result": f"{stream.DEFAULT_LIMIT // 1024**3} GiB, where none is given",
        "`timeout`: for all of a download": f"{_seconds(WAIT_SECONDS)}, where none is given",
        "silence after which a connection is given up": _seconds(inactivity),
        "attempts at one link without a new byte": str(fetch.ATTEMPTS),
        "fresh links asked for": str(fetch.RENEWALS),
        "redirects": str(stream.REDIRECTS),
    }
    return table(["what", "how much"], rows.items())


def blanks() -> str:
    """What may stand in a template."""
    return table(
        ["blank", "what stands there"], ((code(f"{{{name}}}"), blank.means) for name, blank in FIELDS.items())
    )


def upload_limits() -> str:
    """The constants of uploads to object stores."""
    rows = {
        "a part of an upload": f"{bucket.PART // 1024**2} MiB",
        "parts under way at once, in memory": str(bucket.PARTS_AT_ONCE),
        "repetitions of one request by the library": f"{bucket.RETRIES}, within {_seconds(bucket.RETRY_SECONDS)}",
        "attempts at a whole upload in one call": str(fetch.DELIVERIES),
    }
    return table(["what", "how much"], rows.items())


def storing_limits() -> str:
    """The constants of a tracker that stores."""
    rows = {
        "downloads of one tracker at once": str(storing.AT_ONCE),
        "lease of a download, renewed while it runs": _seconds(storing.LEASE_SECONDS),
        "one turn of a download": _seconds(storing.DOWNLOAD_SECONDS),
        "pause after trouble": f"{_seconds(storing.FIRST_PAUSE)}, doubled up to {_seconds(storing.LONGEST_PAUSE)}",
        "turns in which nothing is served, until the result is given up": str(storing.GONE_AFTER),
    }
    return table(["what", "how much"], rows.items())


def _seconds(number: float) -> str:
    return f"{number:g} seconds"


# --- testing and providers ---


def faults() -> str:
    """What the sandbox can break."""
    rows = ([code(f"[[{_spelled(one)}]]"), one.says, join(one.at), one.label.value] for one in CATALOG)
    return table(["in the prompt", "what happens", "at", "known"], rows)


def _spelled(fault: Fault) -> str:
    """A fault as it is asked for, with its argument where it takes one."""
    return (
        fault.name if fault.takes is Takes.NOTHING else f"{fault.name}:{_ARGUMENT.get(fault.takes, fault.default)}"
    )


_ARGUMENT: Final = {Takes.TEXT: "reason"}


def small_provider() -> str:
    """The provider that the interface shows in its docstring."""
    [source] = re.findall(r"```python\n(.*?)```", inspect.getdoc(Provider) or "", re.DOTALL)
    return fence("python", source)


def example(name: str) -> Callable[[], str]:
    """A whole program; the tests run it as one."""

    def show() -> str:
        return f"<!-- not run: examples/{name} is -->\n{fence('python', (EXAMPLES / name).read_text())}"

    return show
