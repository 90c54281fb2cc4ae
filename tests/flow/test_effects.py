"""Effects name what they want, and show nothing that is secret."""

from __future__ import annotations

import pytest

from reelway.flow.effects import Head, Open, Phase
from reelway.model.secret import Secret
from tests.acme import LINK


@pytest.mark.parametrize(
    ("phase", "may_have_left"),
    [(Phase.CONNECTING, False), (Phase.CONNECTED, False), (Phase.SENDING, True), (Phase.RECEIVING, True)],
)
def test_a_request_may_have_left_from_sending_on(phase: Phase, may_have_left: bool) -> None:
    assert phase.request_may_have_left is may_have_left


@pytest.mark.parametrize(
    "effect", [Head(status=302, headers=(("Location", LINK),)), Open(url=Secret(LINK), timeout=1)]
)
def test_no_effect_shows_a_link(effect: Head | Open) -> None:
    assert "SIGNATURE" not in repr(effect) + repr(list(effect.__rich_repr__()))
