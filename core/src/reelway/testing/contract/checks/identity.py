"""What a provider says it is, and that importing it does nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from reelway.account import Account, endpoint_of
from reelway.errors import ConfigurationError, NotSupported, ReelwayError
from reelway.provider.interface import INTERFACE_VERSION
from reelway.provider.registry import LIMIT_VARIABLE, Registry
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.outside import Kind, seen_at_import
from reelway.testing.contract.subject import CAPABILITIES, Subject, installed

identity = Group("identity")

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")

LONGEST_PAUSE: Final = 300.0
"""Seconds; whoever asks more rarely shows a finished job minutes late."""


@identity.check()
def import_opens_no_socket(subject: Subject) -> Iterator[str]:
    """Plugins are imported to list them; a program that only shows its help must not speak to anybody."""
    yield from seen_at_import(subject, Kind.SOCKET)


@identity.check()
def import_starts_nothing(subject: Subject) -> Iterator[str]:
    """A thread or a process that was started by an import outlives the program that did not ask for it."""
    yield from seen_at_import(subject, Kind.START)


@identity.check()
def import_touches_no_file(subject: Subject) -> Iterator[str]:
    """Reading or writing files at import makes a program depend on where it was started."""
    yield from seen_at_import(subject, Kind.FILE)


@identity.check()
def import_reads_no_environment(subject: Subject) -> Iterator[str]:
    """Keys and addresses are the account's; a plugin that reads them itself has two accounts in one process."""
    yield from seen_at_import(subject, Kind.ENVIRONMENT)


@identity.check()
def name_is_a_plain_word(subject: Subject) -> Iterator[str]:
    """The name stands in references, variables, paths and on command lines."""
    name = subject.provider.info.name
    if not NAME.fullmatch(name):
        yield f"{name!r} is not made of small letters, digits and single hyphens"


@identity.check(needs=[Feature.INSTALLED])
def entry_point_brings_it(subject: Subject) -> Iterator[str]:
    """A provider is found by its name and loaded through the hook; what is not brought so is for nobody."""
    name = subject.provider.info.name
    brought = installed(name)
    if brought is None:
        reports = Registry.installed({LIMIT_VARIABLE: name}).load_all()
        yield f"no entry point of the group 'reelway' brings a provider named {name!r}"
        yield from (f"{report.plugin}: {report.problem}" for report in reports if report.problem)
    elif type(brought) is not type(subject.provider):
        yield f"the installed provider named {name!r} is a {type(brought).__qualname__}, and not this one"


@identity.check()
def base_url_is_a_bare_https_address(subject: Subject) -> Iterator[str]:
    """The key goes there: not in the clear, and not to a path that requests bring themselves."""
    url = subject.provider.info.base_url
    try:
        used = endpoint_of(Account(subject.provider.info.name, "contract", url), subject.provider).base_url
    except ConfigurationError as error:
        yield f"{url!r}: {error.message}"
        return
    if urlsplit(used).scheme != "https":
        yield f"{url!r} is no https address"
    if urlsplit(used).path:
        yield f"{url!r} has a path; the paths of requests bring it"


@identity.check()
def key_variable_is_one(subject: Subject) -> Iterator[str]:
    """Users set it in their shells, and the command shows it in its hints."""
    name = subject.provider.info.key_variable
    if not VARIABLE.fullmatch(name):
        yield f"{name!r} is not made of capitals, digits and single underscores"


@identity.check(level=Level.SHOULD)
def title_and_docs_can_be_shown(subject: Subject) -> Iterator[str]:
    """Every refusal of a call that is not offered sends the user to the provider's pages."""
    info = subject.provider.info
    if not info.title.strip() or not info.title.isprintable():
        yield f"the title {info.title!r} shows nothing"
    if urlsplit(info.docs_url).scheme != "https":
        yield f"docs_url {info.docs_url!r} leads nowhere"


@identity.check()
def cadence_is_patient(subject: Subject) -> Iterator[str]:
    """Polling faster than the provider wants gets the account blocked, and slower hides that a job is done."""
    cadence = subject.provider.info.cadence
    if not 1 <= cadence.minimum <= cadence.maximum <= LONGEST_PAUSE:
        yield f"{cadence.minimum} to {cadence.maximum} seconds is not within 1 to {LONGEST_PAUSE:g}, in this order"


@identity.check()
def interface_is_this_one(subject: Subject) -> Iterator[str]:
    """A plugin for another interface is not loaded."""
    written_for = subject.provider.info.interface
    if written_for != INTERFACE_VERSION:
        yield f"it is written for interface {written_for}; this Reelway has {INTERFACE_VERSION}"


@identity.check()
def cannot_is_true(subject: Subject) -> Iterator[str]:
    """What is stated here decides which checks concern the provider, so nothing may be stated that is not so."""
    if subject.stated is not None:
        for feature in sorted(subject.stated - subject.found_lacking):
            yield f"{feature.value!r} is stated in `cannot`, and the provider can"
        for feature in sorted(subject.found_lacking - subject.stated):
            yield f"the provider cannot do {feature.value!r}; state it in `cannot`, or mend it"


@identity.check()
def capabilities_are_there(subject: Subject) -> Iterator[str]:
    """A call that is claimed and not there fails when it is needed; one that is there unclaimed is not found."""
    provider = subject.provider
    calls = {
        Feature.CONTENT: lambda route: provider.encode_content("contract-1", route),
        Feature.REMIX: lambda route: provider.encode_remix("contract-1", route, "Again.", None),
        Feature.CANCEL: lambda route: provider.encode_cancel("contract-1", route),
    }
    for feature, call in calls.items():
        claimed = CAPABILITIES[feature] in provider.info.capabilities
        offered = any(_is_offered(call, route) for route in subject.routes)
        if claimed is not offered:
            yield f"{feature.value!r} is {_said(claimed)} among its capabilities, and {_said(offered)} offered"


@identity.check()
def models_are_told_apart(subject: Subject) -> Iterator[str]:
    """A name that two models share orders, and bills, the wrong one."""
    models = subject.provider.models
    names = [name for spec in models.models for name in (spec.name, *spec.aliases)]
    yield from (f"the name {name!r} stands for two models" for name in sorted(_twice(names)))
    for spec in models.models:
        found = {name: models.find(name) for name in (spec.name, *spec.aliases)}
        yield from (f"{name!r} does not lead to {spec.name!r}" for name, one in found.items() if one != spec)


@identity.check(level=Level.SHOULD)
def models_name_their_source(subject: Subject) -> Iterator[str]:
    """What a model takes changes; without the page it was read from nobody can tell whether it still holds."""
    yield from (f"{spec.name}: no source" for spec in subject.provider.models.models if not spec.source)


def _is_offered(call: object, route: str) -> bool:
    assert callable(call)
    try:
        call(route)
    except NotSupported:
        return False
    except ReelwayError:
        return True
    return True


def _said(truth: bool) -> str:  # noqa: FBT001 - it is the only thing said
    return "there" if truth else "not"


def _twice(names: Collection[str]) -> set[str]:
    counted = list(names)
    return {name for name in counted if counted.count(name) > 1}
