from __future__ import annotations

from typing import Any

import pytest

from reelway.cli.options import AccountOptions, RequestOptions, SaveOptions, WaitOptions, extra_field
from reelway.errors import InvalidRequest


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a=1", 1),
        ("a=true", True),
        ("a=1.5", 1.5),
        ('a={"b": [1]}', {"b": [1]}),
        ('a="1"', "1"),
        ("a=plain text", "plain text"),
        ("a=", ""),
        ("a=b=c", "b=c"),
        ("a={broken", "{broken"),
    ],
)
def test_the_value_of_an_extra_field_is_json_where_it_is_json(written: str, value: Any) -> None:
    assert extra_field(written) == ("a", value)


@pytest.mark.parametrize("written", ["a", "=1", ""])
def test_an_extra_field_needs_a_key(written: str) -> None:
    with pytest.raises(InvalidRequest, match="KEY=VALUE"):
        extra_field(written)


def test_options_become_the_fields_of_a_request() -> None:
    options = RequestOptions(model="m", duration=5, reference=["a.png", "b.mp4"], extra=["metadata.x=1"])
    fields = options.fields()
    assert fields["duration"] == 5
    assert list(fields["references"]) == ["a.png", "b.mp4"]
    assert fields["extra"] == {"metadata.x": 1}
    assert fields["size"] is None


def test_a_command_to_go_on_with_has_the_options_it_needs() -> None:
    account = AccountOptions(
        provider="x", base_url="http://127.0.0.1:1", key_variable="KEY", allow_private_links=True
    )
    named = ["--base-url", "http://127.0.0.1:1", "--key-variable", "KEY"]
    assert account.arguments == [*named, "--allow-private-links"]
    assert WaitOptions(poll_every=0.5).arguments == ["--poll-every", "0.5"]
    assert SaveOptions(to="a b.mp4", overwrite=True).arguments == ["--to", "a b.mp4", "--overwrite"]
    assert AccountOptions().arguments == WaitOptions().arguments == SaveOptions().arguments == []
