"""How a request of ours is written down: address, headers, body. No I/O, and no HTTP library."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from reelway.flow.effects import Open
from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.model.secret import Secret
from reelway.transport.form import encode_form
from reelway.transport.guard import LinkRefused, split_link

# Identity: a compressed answer could inflate to any size, and a resumed file has to be the file itself.
STANDARD_HEADERS: Final[Headers] = (
    ("User-Agent", "reelway"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
)

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests have a body, be it an empty one (RFC 9110, 8.6)."""

HOST: Final = re.compile(r"[^:]*://[^/?#]*")
"""The beginning of an address, up to its host and port."""

LEFT_ALONE: Final = "!$%&'()*+,/:;=?@[]~"
"""What stands for itself in a path or a query (RFC 3986, 2.2), and the mark of what is written in hexadecimals."""

_NOTHING: Final = HttpRequest(method="GET", path="")

SHORTEST_SECRET: Final = 12
"""Shorter keys open test services only, and could as well be words of an answer."""

KEY_MARK: Final = "(your key)"


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an account's API is, and the key that opens it; ``scheme`` is the word before it in the header."""

    base_url: str
    key: Secret
    scheme: str = "Bearer"

    def owns(self, url: str) -> bool:
        """Whether an address lies below the base URL, so that it may have the key."""
        return url.startswith(self.base_url + "/")

    def clean(self, response: HttpResponse) -> HttpResponse:
        """The answer without the account's own key: a gateway that refuses one may quote it."""
        key = self.key.reveal()
        quoted = key.encode() in response.body or any(key in value for _, value in response.headers)
        if len(key) < SHORTEST_SECRET or not quoted:
            return response
        headers = tuple((name, value.replace(key, KEY_MARK)) for name, value in response.headers)
        return replace(response, headers=headers, body=response.body.replace(key.encode(), KEY_MARK.encode()))

    @property
    def key_header(self) -> Headers:
        """The header that carries the key; made at the last moment and kept nowhere."""
        return (("Authorization", f"{self.scheme} {self.key.reveal()}"),)


class Written(Struct, frozen=True, kw_only=True):
    """A request as it goes on the wire.

    Attributes:
        method: as it is sent.
        url: the whole address.
        target: what of it stands in the request line.
        headers: all but the host.
        body: the bytes, none where there is no body.
    """

    method: str
    url: str
    target: bytes
    headers: Headers
    body: bytes = b""

    def __repr__(self) -> str:
        # Address and headers hold signatures and keys.
        return f"Written({self.method!r}, …)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method)]


def write_api(endpoint: Endpoint, request: HttpRequest, headers: Headers = ()) -> Written:
    """A request to the account's own API, with its key."""
    url = url_of(endpoint.base_url, request)
    described, body = _body_of(request)
    return Written(
        method=request.method,
        url=url,
        target=quote(_behind_host(url), safe=LEFT_ALONE).encode(),
        headers=(*STANDARD_HEADERS, *endpoint.key_header, *request.headers, *headers, *described),
        body=body,
    )


def url_of(base_url: str, request: HttpRequest) -> str:
    """The whole address of a request to an API."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    return f"{base_url}/{request.path.lstrip('/')}{query}"


def write_link(endpoint: Endpoint, effect: Open) -> Written:
    """A request for a link, byte for byte as the provider wrote it.

    Raises:
        LinkRefused: the address is not one that may be asked.
    """
    if effect.url is None:
        return write_api(endpoint, effect.request or _NOTHING, effect.headers)
    url = effect.url.reveal()
    split_link(url)
    key = endpoint.key_header if effect.keyed else ()
    return Written(method="GET", url=url, target=target_of(url), headers=(*STANDARD_HEADERS, *key, *effect.headers))


def target_of(url: str) -> bytes:
    """What of a link goes into the request line, byte for byte: a signature covers every one.

    Raises:
        LinkRefused: the link holds characters beyond ASCII, which are no part of a URL.
    """
    if not url.isascii():
        raise LinkRefused("the link holds characters beyond ASCII")
    return _behind_host(url).encode()


def host_of(url: str) -> str:
    """The beginning of an address, up to its host and port."""
    return url[: _end_of_host(url)]


def _behind_host(url: str) -> str:
    """All that stands behind the host, but for the fragment."""
    rest = url[_end_of_host(url) :].partition("#")[0]
    return rest if rest.startswith("/") else f"/{rest}"


def _end_of_host(url: str) -> int:
    found = HOST.match(url)
    return found.end() if found else 0


def _body_of(request: HttpRequest) -> tuple[Headers, bytes]:
    """The headers that describe a body, and its bytes."""
    body = request.body
    if body is None:
        # Without a length some servers wait for a body.
        return ((("Content-Length", "0"),) if request.method in WITH_BODY else ()), b""
    if isinstance(body, bytes):
        return (("Content-Length", str(len(body))),), body
    kind, form = encode_form(body)
    return (("Content-Length", str(len(form))), ("Content-Type", kind)), form
