"""Defects of what a provider says it is, and of its import."""

from __future__ import annotations

from msgspec.structs import replace

from reelway.provider.interface import Cadence, Capability
from reelway.provider.models import Catalog
from reelway.provider.videos_api import VideosApi
from tests.testing.defects.defect import caught_by, import_caught_by, stated_caught_by
from tests.testing.reference.provider import FALLBACK, INFO, MODELS, Reference

import_caught_by(
    "identity.import-opens-no-socket",
    "socket",
    "It opens a socket when it is imported.",
    "import socket",
    "socket.socket().close()",
)
import_caught_by(
    "identity.import-starts-nothing",
    "thread",
    "It starts a thread when it is imported.",
    "import threading",
    "threading.Thread(target=int).start()",
)
import_caught_by(
    "identity.import-touches-no-file",
    "log_file",
    "It opens a log file when it is imported.",
    "from pathlib import Path",
    "Path(__file__ + '.log').write_text('')",
)
import_caught_by(
    "identity.import-reads-no-environment",
    "environment",
    "It reads its key from the environment when it is imported.",
    "import os",
    "KEY = os.environ.get('REFERENCE_API_KEY')",
)


@caught_by("identity.name-is-a-plain-word")
class NameWithBlanks(Reference):
    """Its name is the one that people write."""

    info = replace(INFO, name="Reference Video")


@stated_caught_by("identity.entry-point-brings-it")
def not_installed() -> tuple[str, ...]:
    """No entry point brings it, although it is not said to be without one."""
    return ()


@caught_by("identity.base-url-is-a-bare-https-address")
class BaseUrlWithAPath(Reference):
    """Its base URL ends in the version that its paths begin with."""

    info = replace(INFO, base_url="https://api.reference.example/v1/videos")


@caught_by("identity.base-url-is-a-bare-https-address")
class BaseUrlInTheClear(Reference):
    """Its base URL sends the key unencrypted."""

    info = replace(INFO, base_url="http://api.reference.example")


@caught_by("identity.key-variable-is-one")
class KeyVariableWithAHyphen(Reference):
    """No shell can set the variable that it wants its key in."""

    info = replace(INFO, key_variable="reference-api-key")


@caught_by("identity.title-and-docs-can-be-shown")
class NoDocs(Reference):
    """It names no page that a user could look at."""

    info = replace(INFO, docs_url="see the wiki")


@caught_by("identity.cadence-is-patient")
class ImpatientCadence(Reference):
    """It asks ten times a second."""

    info = replace(INFO, cadence=Cadence(0.1, 1))


@caught_by("identity.cadence-is-patient")
class CadenceBackwards(Reference):
    """Its longest pause is shorter than its shortest."""

    info = replace(INFO, cadence=Cadence(20, 10))


@caught_by("identity.interface-is-this-one")
class AnotherInterface(Reference):
    """It is written for another interface."""

    info = replace(INFO, interface=2)


@stated_caught_by("identity.cannot-is-true")
def said_to_be_unable() -> tuple[str, ...]:
    """It is said not to remix, so that nobody looks at how it does."""
    return ("installed", "remix")


@caught_by("identity.cannot-is-true")
class ForgottenCapability(Reference):
    """It forgot to say that it can remix."""

    info = replace(INFO, capabilities=INFO.capabilities - {Capability.REMIX})


@caught_by("identity.capabilities-are-there")
class ClaimedCancel(Reference):
    """It claims to cancel and refuses to."""

    encode_cancel = VideosApi.encode_cancel


@caught_by("identity.models-are-told-apart")
class SharedAlias(Reference):
    """Two of its models have one name in common."""

    models = Catalog([replace(spec, aliases=("ref-1",)) for spec in MODELS], fallback=FALLBACK)


@caught_by("identity.models-name-their-source")
class NoSource(Reference):
    """It does not say where it has its models from."""

    models = Catalog([replace(spec, source="") for spec in MODELS], fallback=FALLBACK)
