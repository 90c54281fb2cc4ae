"""Whatever bytes arrive, and however they are cut, a reading comes out or one of our errors.

The payloads are mutations of the recorded ones. They are counted: where fewer were read than promised, that fails.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelway.errors import ProviderError, ReelwayError
from reelway.model.http import HttpResponse, is_safe_id
from reelway.model.observation import Observation
from reelway.provider.interface import Provider
from reelway.provider.reading import SAYS_NOT_FOUND, read_answer
from reelway.testing.payloads import TAPE_LENGTH, Tape, json_values, mutate
from reelway.transport.body import BoundedBody
from reelway.transport.http import API_BODY_LIMIT
from tests.provider.calls import (
    ASKED,
    CALLED_BACK,
    PROVIDERS,
    SPLIT,
    Outcome,
    check_believable,
    named,
    outcome,
    readings,
    routes_of,
    samples_of,
)
from tests.provider.cost import MEBIBYTES, SECONDS, mebibytes_of, seconds_of

PROMISES: Final = {"ci": 20_000, "nightly": 1_000_000, "mutation": 400}

PROFILE: Final = settings.get_current_profile_name()

PROMISED: Final = PROMISES[PROFILE]
"""How many different payloads each provider reads, each of them by every call."""

MOST_TAPES: Final = 3 * PROMISED
"""Beyond this the mutations are too much alike."""

SHARE: Final = 0.2
"""Of what is made of an answer that a call can read, it reads at least so much, and refuses at least so much; where
nearly everything were refused, or nothing, nothing were seen."""

FEWEST_SAMPLES: Final = 20
"""Of each provider, among them those of requests and errors."""

FEWEST_ANSWERS: Final = 8
"""Samples that each call of a provider can read."""

CIRCUMSTANCES: Final = 16
"""Bytes of a tape that decide which sample is changed, and how what comes of it arrives."""

STRIDE: Final = CIRCUMSTANCES + TAPE_LENGTH

GOOD = (200, 201, 202, 204)
BAD = (301, 400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 425, 429, 500, 502, 503, 504, 599)
TYPES = ("application/json", "text/html; charset=utf-8", "", "\x00")
SOMEBODY_ELSE = "task_of_somebody_else"

COMPRESSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "gzip": partial(gzip.compress, compresslevel=1),
    "deflate": partial(zlib.compress, level=1),
}

content = cache(Path.read_bytes)


def arrived(body: bytes, tape: Tape) -> bytes:
    """A body as the transport puts it together from the pieces in which it came, compressed or not."""
    encoding = tape.pick(("", "", "", "gzip", "deflate"))
    sent = COMPRESSIONS[encoding](body)
    cuts = sorted(tape.number(len(sent)) for _ in range(tape.number(4)))
    bounded = BoundedBody(encoding, API_BODY_LIMIT)
    for start, end in pairwise((0, *cuts, len(sent))):
        bounded.add(sent[start:end])
    return bounded.whole()


@cache
def id_in(provider: Provider, file: Path, route: str) -> str:
    """The id a sample speaks of, so that most mutations of it get past the comparison of ids."""
    try:
        return read_answer(provider, HttpResponse(status=200, body=content(file)), route).task_id or ASKED
    except ReelwayError:
        return ASKED


@cache
def is_read(provider: Provider, call: str, file: Path, route: str, status: int = 200) -> bool:
    """Whether a call reads a sample as it is under a status."""
    response = HttpResponse(status=status, body=content(file))
    return bool(readings(call, provider, response, route, id_in(provider, file, route)))


def calls_of(provider: Provider) -> list[str]:
    """The calls in which a provider tells of a task."""
    some = {"result": SPLIT, "callback": CALLED_BACK}
    return ["create", "retrieve", *(call for call, providers in some.items() if provider in providers)]


class Reader:
    """Reads payloads for one provider by every call, checks what comes of them, and counts."""

    def __init__(self, provider: Provider) -> None:
        self.different: set[int] = set()
        self.samples: set[Path] = set()
        self.longest = b""
        # Mutations of what a call can read, by call and by whether they were read.
        self.outcomes: Counter[tuple[str, bool]] = Counter()
        self._provider = provider

    def read(self, decisions: bytes) -> None:
        """One payload, as ``decisions`` make it, unless it was read before."""
        circumstances, tape = Tape(decisions[:CIRCUMSTANCES]), Tape(decisions[CIRCUMSTANCES:])
        file = circumstances.pick(samples_of(self._provider))
        body = mutate(content(file), tape)
        if hash(body) in self.different:
            return
        self.different.add(hash(body))
        self.samples.add(file)
        self.longest = max(self.longest, body, key=len)
        try:
            self._read(body, file, circumstances)
        except Exception as error:
            error.add_note(f"{self._provider.info.name}, {file.name}, decisions {decisions.hex()}: {body[:2000]!r}")
            raise

    def _read(self, body: bytes, file: Path, tape: Tape) -> None:
        assert arrived(body, tape) == body
        headers = (("Content-Type", tape.pick(TYPES)),)
        route = tape.pick(routes_of(self._provider))
        self._good(HttpResponse(status=tape.pick(GOOD), headers=headers, body=body), route, file, tape)
        self._bad(HttpResponse(status=tape.pick(BAD), headers=headers, body=body), route)

    def _good(self, response: HttpResponse, route: str, file: Path, tape: Tape) -> None:
        own = id_in(self._provider, file, route)
        asked = tape.pick((own, own, own, SOMEBODY_ELSE))
        for call in calls_of(self._provider):
            came = self._outcome(call, response, route, asked)
            seen = came if isinstance(came, list) else []
            for one in seen:
                check_believable(self._provider, one)
                assert call != "create" or is_safe_id(one.task_id or "")
                assert call not in {"retrieve", "result"} or one.task_id in {None, asked}
            if is_read(self._provider, call, file, route, response.status) and asked == own:
                self.outcomes[call, bool(seen)] += 1

    def _bad(self, response: HttpResponse, route: str) -> None:
        error = self._outcome("error", response)
        assert type(error) is ProviderError
        assert str(error).isprintable()
        # Under any other status a poll raises that error.
        if response.status in SAYS_NOT_FOUND:
            seen = self._outcome("retrieve", response, route)
            assert type(seen) is ProviderError or seen == [Observation(task_id=ASKED, not_found=True)]

    def _outcome(self, call: str, response: HttpResponse, route: str = "", asked: str = ASKED) -> Outcome:
        came: list[Outcome] = []
        spent = seconds_of(lambda: came.append(outcome(call, self._provider, response, route, asked)))
        assert spent <= SECONDS
        return came[0]


# Lines that are counted take twice as long, and here it is time that is measured.
@pytest.mark.no_cover
@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_as_many_payloads_as_promised_are_read_or_refused_in_time(provider: Provider) -> None:
    reader = Reader(provider)
    # Every day the same ones; every night others, and what fails shows the decisions that lead to it.
    chance = Random(provider.info.name if PROFILE != "nightly" else None)
    for _ in range(MOST_TAPES):
        reader.read(chance.randbytes(STRIDE))
        if len(reader.different) == PROMISED:
            break
    check_promise(provider, reader)


def check_promise(provider: Provider, reader: Reader) -> None:
    assert len(reader.different) == PROMISED
    assert reader.samples == set(samples_of(provider))
    for call in calls_of(provider):
        read, refused = reader.outcomes[call, True], reader.outcomes[call, False]
        assert min(read, refused) >= SHARE * (read + refused) > 0
        response = HttpResponse(status=200, body=reader.longest)
        assert mebibytes_of(partial(outcome, call, provider, response)) <= MEBIBYTES


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
@given(document=json_values | st.dictionaries(st.sampled_from(["id", "status", "data", "error"]), json_values))
def test_any_json_is_read_or_refused(provider: Provider, document: object) -> None:
    response = HttpResponse(status=200, body=json.dumps(document).encode())
    for route in routes_of(provider):
        for seen in readings("retrieve", provider, response, route):
            check_believable(provider, seen)


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_there_is_something_to_read(provider: Provider) -> None:
    files = samples_of(provider)
    assert len(files) >= FEWEST_SAMPLES
    for call in calls_of(provider):
        read = [
            file for file in files if any(is_read(provider, call, file, route) for route in routes_of(provider))
        ]
        assert len(read) >= FEWEST_ANSWERS
