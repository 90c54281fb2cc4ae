"""Readers turn one foreign value into one of ours or into nothing, and never stumble over it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ErrorKind, ProviderError
from reelway.provider.readers import (
    MAX_LINK,
    MAX_TEXT,
    decode_json,
    decode_object,
    first_link,
    first_moment,
    first_text,
    identifier,
    link,
    moment,
    percent,
    pick,
    shown,
    text,
)
from reelway.testing.payloads import json_values

HUGE = 10**400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (50, 50),
        (50.9, 50),
        ("50", 50),
        ("50%", 50),
        (" 50.5 % ", 50),
        (0, 0),
        (-0.5, 0),
        (-7, 0),
        (250, 100),
        ("250%", 100),
        (HUGE, 100),
        (-HUGE, 0),
        (True, None),
        (None, None),
        ("", None),
        ("half", None),
        ("٥٠", None),
        ("1e2", None),
        ("50%%", None),
        (float("nan"), None),
        (float("inf"), None),
        ([50], None),
    ],
)
def test_progress_is_a_whole_percent(value: Any, expected: int | None) -> None:
    assert percent(value) == expected


AT = datetime(2025, 11, 28, 16, 24, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1764347090, AT),
        (1764347090.0, AT),
        (1764347090000, AT),
        (1764347090922, AT.replace(microsecond=922_000)),
        ("1764347090", AT),
        (" 1764347090000 ", AT),
        ("2025-11-28T16:24:50Z", AT),
        ("2025-11-28T16:24:50", AT),
        ("2025-11-28 16:24:50", AT),
        ("2025-11-28T18:24:50+02:00", AT),
        ("2025-11-28T16:24:50.123456789Z", AT.replace(microsecond=123_456)),
        ("2025-11-28T16:24:50.123456789+00:00", AT.replace(microsecond=123_456)),
        (0, None),
        (-1, None),
        ("0", None),
        ("", None),
        ("soon", None),
        (True, None),
        (None, None),
        ({}, None),
        (HUGE, None),
        (1e300, None),
        (float("nan"), None),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2025-02-30T00:00:00Z", None),
    ],
)
def test_a_moment_is_told_by_its_magnitude_or_its_text(value: Any, expected: datetime | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    ("number", "year"), [(10**11 - 1, 5138), (10**11, 1973), (253402300799, 1978), (253402300799000, 9999)]
)
def test_seconds_end_where_milliseconds_begin(number: int, year: int) -> None:
    read = moment(number)
    assert read is not None
    assert read.year == year


@given(at=st.datetimes(datetime(2001, 9, 9), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_written_in_any_way_is_the_same_moment(at: datetime) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    milliseconds = round(at.timestamp() * 1000)
    assert moment(milliseconds) == moment(str(milliseconds)) == moment(at.isoformat()) == at
    assert moment(milliseconds // 1000) == at.replace(microsecond=0)


URL = "https://cdn.example/a%20b.mp4?sig=A%2Bb&x=1#t"


@pytest.mark.parametrize(
    "value", [URL, "http://cdn.example", "HTTPS://CDN.EXAMPLE/1", "https://[2001:db8::1]:8443/a"]
)
def test_a_link_is_kept_exactly_as_written(value: str) -> None:
    assert link(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "https://",
        "https:///path",
        "cdn.example/1.mp4",
        "//cdn.example/1.mp4",
        "ftp://cdn.example/1.mp4",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:video/mp4;base64,AAAA",
        "<generated-video-url>",
        "https://<host>/video",
        "https://cdn.example/{id}",
        "https://cdn.example/a b",
        " https://cdn.example/1.mp4",
        "https://cdn.example/1.mp4\n",
        "https://cdn.example/\x00",
        "https://cdn.еxample/1.mp4",
        "https://cdn.example/ü.mp4",
        "https://cdn.example\\@evil.example/1.mp4",
        "https://[::1",
        "https://cdn.example:99999/",
        "https://cdn.example:0/",
        "https://cdn.example:x/",
        "the picture was refused: see https://docs.example",
        None,
        5,
        ["https://cdn.example/1.mp4"],
    ],
)
def test_what_is_no_usable_link_is_none(value: Any) -> None:
    assert link(value) is None


def test_an_address_that_no_server_takes_is_no_link() -> None:
    longest = "https://cdn.example/".ljust(MAX_LINK, "a")
    assert link(longest) == longest
    assert link(longest + "a") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (" a ", " a "),
        ("", None),
        (5, "5"),
        (0, "0"),
        (2**64 - 1, "18446744073709551615"),
        (HUGE, None),
        (True, None),
        (1.5, None),
        (None, None),
        ({"a": 1}, None),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT),
    ],
)
def test_a_text_is_a_text_or_a_number(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(50, "50"), (50.0, "50.0"), ("50%", "50%"), ("", ""), (True, "True"), (None, None), ([], None), (HUGE, None)],
)
def test_progress_is_shown_as_it_was_written(value: Any, expected: str | None) -> None:
    assert shown(value) == expected


DOCUMENT = {"a": {"b": [{"c": 1}, None]}, "text": "x", "empty": "", "0": "zero"}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("a.b.0.c", 1),
        ("a.b.1", None),
        ("a.b.2", None),
        ("a.b.-1", None),
        ("a.b.c", None),
        ("text.0", None),
        ("0", "zero"),
        ("missing.deep.down", None),
    ],
)
def test_a_place_is_reached_or_absent(place: str, expected: Any) -> None:
    assert pick(DOCUMENT, place) == expected


def test_the_first_usable_value_of_several_places_counts() -> None:
    document = {"a": "", "b": "later", "c": 7, "d": 1764347090, "e": URL}
    assert first_text(document, ("x", "a", "b", "c")) == "later"
    assert first_moment(document, ("a", "b", "d")) == AT
    assert first_link(document, ("a", "b", "c", "e")) == URL
    assert first_text(document, ("x", "a")) is None


def test_an_id_is_a_text_and_never_a_row_number() -> None:
    assert identifier({"id": 6, "task_id": "task_6"}, ("id", "task_id")) == "task_6"
    assert identifier({"id": 6}, ("id",)) is None


@given(value=json_values)
def test_no_value_makes_a_reader_raise(value: Any) -> None:
    for read in (percent, moment, link, text, shown):
        read(value)
    for places in (("a",), ("0.a", "", "a.0.b")):
        first_text(value, places)
        first_moment(value, places)
        first_link(value, places)
        identifier(value, places)


@given(value=json_values)
def test_what_readers_give_is_within_bounds(value: Any) -> None:
    assert 0 <= (percent(value) or 0) <= 100
    assert len(text(value) or "") <= MAX_TEXT
    read = moment(value)
    assert read is None or read.tzinfo is UTC


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{}\x00",
    ],
    ids=range(13),
)
def test_a_body_that_is_no_json_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProviderError, match="no readable JSON") as caught:
        decode_json(body)
    assert caught.value.kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "list"), (b'"x"', "str"), (b"1", "int"), (b"null", "NoneType")])
def test_json_that_is_no_object_is_told_from_an_object(body: bytes, kind: str) -> None:
    with pytest.raises(ProviderError, match=rf"JSON, but no object \({kind}\)"):
        decode_object(body)
    assert decode_object(b'{"a": 1}') == {"a": 1}


@given(body=st.binary(max_size=200))
def test_any_bytes_are_json_or_a_protocol_error(body: bytes) -> None:
    try:
        decode_json(body)
    except ProviderError as error:
        kind = error.kind
    else:
        kind = ErrorKind.PROTOCOL
    assert kind is ErrorKind.PROTOCOL
