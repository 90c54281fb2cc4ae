"""From a command's body to what Typer calls: options are spread out, and every ending gets its exit code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, Signature
from typing import Any, Final, TypeAlias, get_type_hints

import msgspec
import typer
from msgspec.structs import fields
from typer.core import TyperCommand

from reelway.cli.exit_codes import ExitCode, exit_code
from reelway.cli.options import Options, ScreenOptions
from reelway.cli.run import Run
from reelway.cli.screen import Screen
from reelway.errors import ConfigurationError, ReelwayError

Body: TypeAlias = Callable[..., Any]
"""A command: takes a :class:`Run`, arguments and groups of options; gives an exit code, or None for 0."""

USAGE_ERROR: Final[Any] = typer.BadParameter.__mro__[1]
"""What every wrong use of the command line is. Typer names it nowhere, and lately brings a Click of its own."""

KEYS: Final = "Keys are taken from the environment alone, because others can read a command line."


def name_of(body: Body) -> str:
    """What a command is called."""
    # A trailing underscore keeps Python's own name free.
    return str(body.__name__).rstrip("_").replace("_", "-")


class Command(TyperCommand):
    """A command that answers wrong use as JSON too, where JSON was asked for."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the arguments."""
        given = tuple(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except USAGE_ERROR as error:
            if any(one.startswith("--api-key") for one in given):
                error.message = f"{error.message.rstrip('.')}. {KEYS}"
            if "--json" not in given:
                raise
            Screen(json=True).error(ConfigurationError(error.format_message()))
            raise typer.Exit(ExitCode.USAGE) from error


def entry(body: Body) -> Callable[..., None]:
    """What Typer calls for a command."""
    hints = get_type_hints(body, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if inspect.isclass(kind) and issubclass(kind, Options)}

    def call(**arguments: Any) -> None:
        spoken = _taken(ScreenOptions, arguments)
        grouped = {name: _taken(kind, arguments) for name, kind in groups.items()}
        run = Run(Screen(json=spoken.json, quiet=spoken.quiet, verbose=spoken.verbose))
        if code := carry_out(body, run, grouped | arguments):
            raise typer.Exit(code)

    parameters = [*_spread(body, hints, groups), *_options(ScreenOptions)]
    call.__doc__ = inspect.cleandoc(body.__doc__ or "")
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    vars(call)["__signature__"] = Signature([one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters])
    return call


def carry_out(body: Body, run: Run, arguments: Mapping[str, Any]) -> ExitCode:
    """Run a command to whatever end it takes."""
    try:
        with run.screen:
            code = body(run, **arguments)
            return (asyncio.run(code) if inspect.iscoroutine(code) else code) or ExitCode.OK
    except ReelwayError as error:
        run.tell(error)
        return exit_code(error)
    except KeyboardInterrupt:
        run.interrupted()
        return ExitCode.INTERRUPTED
    except Exception as error:
        run.broke(error)
        raise


def _taken(kind: type[Any], arguments: dict[str, Any]) -> Any:
    """A group of options, taken out of all arguments."""
    return kind(**{field.name: arguments.pop(field.name) for field in fields(kind)})


def _spread(body: Body, hints: Mapping[str, Any], groups: Mapping[str, type[Options]]) -> Iterator[Parameter]:
    _, *rest = inspect.signature(body).parameters.values()
    for parameter in rest:
        if parameter.name in groups:
            yield from _options(groups[parameter.name])
        else:
            yield parameter.replace(annotation=hints[parameter.name])


def _options(kind: type[Options]) -> Iterator[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        default = Parameter.empty if made is msgspec.NODEFAULT else made
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])
