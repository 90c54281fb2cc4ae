"""A field with a value of another type is a problem of the request, and not an error of the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from reelway.errors import InvalidRequest
from reelway.model.request import Media, VideoRequest
from reelway.provider.field_types import TYPES, mistyped
from reelway.provider.models import Catalog, ModelSpec, OnUnsupported, check
from reelway.requesting import request_of

CATALOG = Catalog([ModelSpec(name="m", form="plain")], fallback=ModelSpec(name="*", form="plain"))

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model: has to be a text, and is of type NoneType"),
    "no prompt": ({"prompt": None}, "prompt: has to be a text, and is of type NoneType"),
    "a duration from a form": ({"duration": "5"}, "duration: has to be a number of seconds, and is of type str"),
    "a duration that is true": ({"duration": True}, "duration: has to be a number of seconds, and is of type bool"),
    "a ratio that was computed": ({"aspect_ratio": 16 / 9}, "aspect_ratio: has to be a text such as"),
    "lines": ({"resolution": 720}, "resolution: has to be a text such as"),
    "a pair": ({"size": (1280, 720)}, "size: has to be a text such as"),
    "half a seed": ({"seed": 1.5}, "seed: has to be a whole number, and is of type float"),
    "a path for a picture": ({"first_frame": Path("a.png")}, "first_frame: has to be a Media"),
    "a list of references": ({"references": [Media(url="https://a.example")]}, "references: has to be a tuple"),
    "a text for sound": ({"audio": "yes"}, "audio: has to be True or False, and is of type str"),
    "a secret address": ({"callback_url": b"https://a.example/t0ken"}, "callback_url: has to be a text"),
    "a list of extras": ({"extra": [1]}, "extra: has to be a mapping"),
    "an extra without a name": ({"extra": {1: 2}}, "extra: its names have to be texts"),
    "an object": ({"extra": {"a.b": object()}}, "extra.a.b: cannot be written down (TypeError)"),
}


@pytest.mark.parametrize(("given", "told"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("policy", OnUnsupported)
def test_a_value_of_another_type_is_refused_whatever_is_supported(
    given: dict[str, Any], told: str, policy: OnUnsupported
) -> None:
    request = VideoRequest(**({"model": "m", "prompt": "A cat."} | given))
    with pytest.raises(InvalidRequest) as caught:
        check(request, CATALOG, policy)
    assert told in str(caught.value)
    assert "t0ken" not in str(caught.value)


def test_what_is_left_out_is_no_mistake() -> None:
    assert list(mistyped(VideoRequest(model="m"))) == []


def test_every_field_has_a_type() -> None:
    assert {field.name for field in fields(VideoRequest)} == {*TYPES, "references"}


@pytest.mark.parametrize("field", ["first_frame", "last_frame", "references"])
def test_what_is_no_picture_is_refused_before_it_is_one(field: str) -> None:
    given: Any = {"model": "m", field: 7}
    with pytest.raises(InvalidRequest, match=field):
        request_of("A cat.", given)


def test_a_prompt_may_be_given_by_its_name_and_not_twice() -> None:
    assert request_of("", {"prompt": "A cat.", "model": "m"}).prompt == "A cat."
    with pytest.raises(InvalidRequest, match="prompt: give it once"):
        request_of("A dog.", {"prompt": "A cat.", "model": "m"})
