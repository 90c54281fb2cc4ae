"""A request is written down as it is meant: to the right host, with the key or without, byte for byte."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.effects import Open
from reelway.model.http import FilePart, HttpRequest, HttpResponse, Multipart, json_request, segment
from reelway.model.secret import Secret
from reelway.transport.guard import LinkRefused
from reelway.transport.wire import Endpoint, host_of, target_of, url_of, write_api, write_link

KEY = "sk-SECRETKEY"
ENDPOINT = Endpoint(base_url="https://api.acme.example", key=Secret(KEY))
PREFIXED = Endpoint(base_url="https://gateway.example/acme", key=Secret(KEY))


def opening(url: str, *, keyed: bool = False) -> Open:
    return Open(url=Secret(url), keyed=keyed, timeout=1)


# --- to the API ---


def test_a_request_goes_below_the_base_url_with_the_key() -> None:
    written = write_api(PREFIXED, json_request("POST", "v1/videos", {"model": "m"}))
    assert (written.method, written.url) == ("POST", "https://gateway.example/acme/v1/videos")
    assert ("Authorization", f"Bearer {KEY}") in written.headers
    assert ("Content-Type", "application/json") in written.headers
    assert written.body == b'{"model":"m"}'
    assert ("Content-Length", "13") in written.headers


def test_every_request_asks_for_bytes_as_they_are() -> None:
    for written in (
        write_api(ENDPOINT, HttpRequest(method="GET", path="x")),
        write_link(ENDPOINT, opening("http://h/")),
    ):
        assert ("Accept-Encoding", "identity") in written.headers
        assert ("User-Agent", "reelway") in written.headers


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("v1/videos", (), "https://api.acme.example/v1/videos"),
        ("/v1/videos", (), "https://api.acme.example/v1/videos"),
        ("//evil.example/x", (), "https://api.acme.example/evil.example/x"),
        ("q", (("id", "a b&c/ü"), ("id", "2")), "https://api.acme.example/q?id=a+b%26c%2F%C3%BC&id=2"),
    ],
)
def test_path_and_query_stay_behind_the_host(path: str, query: tuple[tuple[str, str], ...], url: str) -> None:
    assert url_of(ENDPOINT.base_url, HttpRequest(method="GET", path=path, query=query)) == url


@given(
    task_id=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30).filter(
        lambda t: t not in {".", ".."}
    )
)
def test_no_id_leads_away_from_the_host(task_id: str) -> None:
    url = url_of(ENDPOINT.base_url, HttpRequest(method="GET", path=f"v1/videos/{segment(task_id)}"))
    assert urlsplit(url).netloc == "api.acme.example"
    assert urlsplit(url).path.startswith("/v1/videos/")


@pytest.mark.parametrize(
    ("base_url", "path", "target"),
    [
        ("https://api.acme.example", "v1/videos/a%2Fb%3f", b"/v1/videos/a%2Fb%3f"),
        ("https://gateway.example/acme", "v1/x", b"/acme/v1/x"),
        ("https://gateway.example/büro", "v1/ü{x}", b"/b%C3%BCro/v1/%C3%BC%7Bx%7D"),
        ("https://api.acme.example", 'a b"c', b"/a%20b%22c"),
        ("https://api.acme.example", "", b"/"),
    ],
)
def test_an_address_of_the_api_is_written_in_characters_that_may_stand_there(
    base_url: str, path: str, target: bytes
) -> None:
    endpoint = Endpoint(base_url=base_url, key=Secret(KEY))
    assert write_api(endpoint, HttpRequest(method="GET", path=path)).target == target


def test_the_query_follows_the_path() -> None:
    written = write_api(ENDPOINT, HttpRequest(method="GET", path="q", query=(("id", "a b&c/ü"), ("id", "2"))))
    assert written.target == b"/q?id=a+b%26c%2F%C3%BC&id=2"


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", "0"), ("PUT", "0")])
def test_a_request_without_a_body_has_none(method: str, length: str | None) -> None:
    written = write_api(ENDPOINT, HttpRequest(method=method, path="x"))
    assert written.body == b""
    assert dict(written.headers).get("Content-Length") == length


def test_a_form_is_described_by_its_type_and_length() -> None:
    part = FilePart(field="image", filename="a.png", content_type="image/png", content=b"\x89PNG")
    form = Multipart(fields=(("model", "m"), ("model", "ü")), files=(part,))
    written = write_api(ENDPOINT, HttpRequest(method="POST", path="x", body=form))
    headers = dict(written.headers)
    assert headers["Content-Length"] == str(len(written.body))
    boundary = headers["Content-Type"].removeprefix("multipart/form-data; boundary=").encode()
    assert written.body.count(b"--" + boundary) == 4


# --- to a link ---


def test_a_link_is_asked_without_the_key() -> None:
    written = write_link(ENDPOINT, opening("https://cdn.example/v.mp4?sig=1"))
    assert (written.method, written.url) == ("GET", "https://cdn.example/v.mp4?sig=1")
    assert "Authorization" not in dict(written.headers)


def test_the_account_s_own_address_is_asked_with_the_key() -> None:
    written = write_link(ENDPOINT, opening("https://api.acme.example/v1/x", keyed=True))
    assert dict(written.headers)["Authorization"] == f"Bearer {KEY}"


def test_a_content_route_is_a_request_to_the_api_with_the_headers_of_the_moment() -> None:
    effect = Open(request=HttpRequest(method="GET", path="v1/content"), headers=(("Range", "bytes=5-"),), timeout=1)
    written = write_link(ENDPOINT, effect)
    assert written.url == "https://api.acme.example/v1/content"
    assert dict(written.headers)["Authorization"] == f"Bearer {KEY}"
    assert dict(written.headers)["Range"] == "bytes=5-"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://h", "/"),
        ("https://h/", "/"),
        ("https://h?x", "/?x"),
        ("https://h#f", "/"),
        ("https://h/a?", "/a?"),
        ("https://h/a?#f", "/a?"),
        ("https://h/a%2Fb%2fc//d/./../e", "/a%2Fb%2fc//d/./../e"),
        ("https://h/%7e%zz%", "/%7e%zz%"),
        ("https://h/a;b=c?d=e+f%20g&h=://x/y?z", "/a;b=c?d=e+f%20g&h=://x/y?z"),
        ("https://h/a?X-Amz-Signature=a/b+c==&e='(!)*", "/a?X-Amz-Signature=a/b+c==&e='(!)*"),
        ("HTTPS://H:8443/A", "/A"),
        ("http://[::1]:80/x:y@z", "/x:y@z"),
        ("https://h/[1]{2}|3^4`5", "/[1]{2}|3^4`5"),
    ],
)
def test_a_link_is_asked_byte_for_byte(url: str, target: str) -> None:
    assert target_of(url) == target.encode()
    assert write_link(ENDPOINT, opening(url)).target == target.encode()


@given(st.from_regex(r"/[!-\"$-~]{0,40}", fullmatch=True))
def test_no_byte_behind_the_host_is_changed(target: str) -> None:
    assert target_of(f"https://cdn.example{target}") == target.encode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/x",
        "ftp://h/x",
        "https://",
        "https://u:p@h/x",
        "https://h:0/x",
        "https://h:99999/",
        "https://h/a b",
        "https://h/ü",
        "https://h/a\r\nX: 1",
        "https://h\\@evil/x",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_what_is_no_link_is_refused_before_anything_is_written(url: str) -> None:
    with pytest.raises(LinkRefused) as refusal:
        write_link(ENDPOINT, opening(url))
    assert not url or url not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h/a", "https://h"),
        ("https://h", "https://h"),
        ("HTTPS://H:8443?x", "HTTPS://H:8443"),
        ("http://[::1]:80#f", "http://[::1]:80"),
    ],
)
def test_the_host_ends_where_path_query_or_fragment_begin(url: str, host: str) -> None:
    assert host_of(url) == host


# --- who owns what ---


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://api.acme.example/v1/x", True),
        ("https://api.acme.example/", True),
        ("https://api.acme.example", False),
        ("https://api.acme.example.evil.example/x", False),
        ("https://api.acme.example@evil.example/x", False),
        ("https://api.acme.example:8443/x", False),
        ("http://api.acme.example/x", False),
        ("https://evil.example/https://api.acme.example/x", False),
    ],
)
def test_only_what_lies_below_the_base_url_is_the_account_s_own(url: str, own: bool) -> None:
    assert ENDPOINT.owns(url) is own


def test_a_neighbour_on_the_same_host_is_not_the_account_s_own() -> None:
    assert PREFIXED.owns("https://gateway.example/acme/v1")
    assert not PREFIXED.owns("https://gateway.example/acme-evil/v1")
    assert not PREFIXED.owns("https://gateway.example/other/v1")


# --- nothing shows ---


def test_nothing_that_is_written_shows_the_key_or_the_link() -> None:
    written = write_link(ENDPOINT, opening("https://api.acme.example/v1?sig=SIGNATURE", keyed=True))
    shown = (
        repr(written) + repr(list(written.__rich_repr__())) + repr(ENDPOINT) + repr(opening("https://h/SIGNATURE"))
    )
    assert KEY not in shown
    assert "SIGNATURE" not in shown


def test_an_answer_that_quotes_the_accounts_own_key_loses_it() -> None:
    endpoint = Endpoint(base_url="https://api.acme.example", key=Secret("mykey-not-long-12345"))
    quoted = HttpResponse(status=401, body=b'{"error": "bad key mykey-not-long-12345"}')
    assert endpoint.clean(quoted).body == b'{"error": "bad key (your key)"}'


def test_an_answer_without_the_key_stays_the_very_same() -> None:
    endpoint = Endpoint(base_url="https://api.acme.example", key=Secret("mykey-not-long-12345"))
    plain = HttpResponse(status=200, body=b'{"id": "job-1"}')
    assert endpoint.clean(plain) is plain


def test_a_key_as_short_as_a_word_is_left_alone() -> None:
    endpoint = Endpoint(base_url="https://api.acme.example", key=Secret("sandbox"))
    plain = HttpResponse(status=200, body=b'{"id": "sandbox-1"}')
    assert endpoint.clean(plain) is plain
