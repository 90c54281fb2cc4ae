"""How a request of ours is written for the HTTP library: address, headers, body. No I/O, and no library either."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from reelway.flow.effects import Open
from reelway.model.http import Headers, HttpRequest, HttpResponse, Multipart
from reelway.model.secret import Secret
from reelway.transport.guard import LinkRefused, split_link

# Identity: a compressed answer could inflate to any size, and a resumed file has to be the file itself.
STANDARD_HEADERS: Final[Headers] = (
    ("User-Agent", "reelway"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
)


_NOTHING: Final = HttpRequest(method="GET", path="")


SHORTEST_SECRET: Final = 12
"""Shorter keys open test services only, and could as well be words of an answer."""

KEY_MARK: Final = b"(your key)"


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an account's API is, and the key that opens it."""

    base_url: str
    key: Secret

    def owns(self, url: str) -> bool:
        """Whether an address lies below the base URL, so that it may have the key."""
        return url.startswith(self.base_url + "/")

    def clean(self, response: HttpResponse) -> HttpResponse:
        """The answer without the account's own key: a gateway that refuses one may quote it."""
        key = self.key.reveal().encode()
        if len(key) < SHORTEST_SECRET or key not in response.body:
            return response
        return replace(response, body=response.body.replace(key, KEY_MARK))

    @property
    def key_header(self) -> Headers:
        """The header that carries the key; made at the last moment and kept nowhere."""
        return (("Authorization", f"Bearer {self.key.reveal()}"),)


class Written(Struct, frozen=True, kw_only=True):
    """A request as the HTTP library takes it."""

    method: str
    url: str
    headers: Headers
    body: dict[str, Any] = {}
    extensions: dict[str, Any] = {}

    def __repr__(self) -> str:
        # Address and headers hold signatures and keys.
        return f"Written({self.method!r}, …)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method)]


def write_api(endpoint: Endpoint, request: HttpRequest, headers: Headers = ()) -> Written:
    """A request to the account's own API, with its key."""
    return Written(
        method=request.method,
        url=url_of(endpoint.base_url, request),
        headers=(*STANDARD_HEADERS, *endpoint.key_header, *request.headers, *headers),
        body=_body_arguments(request.body),
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
    return Written(
        method="GET",
        url=url,
        headers=(*STANDARD_HEADERS, *key, *effect.headers),
        # The library would rewrite some addresses, and a signature covers every byte.
        extensions={"target": target_of(url)},
    )


def target_of(url: str) -> bytes:
    """What of a link goes into the request line: all that stands behind the host, but for the fragment.

    Raises:
        LinkRefused: the link holds characters beyond ASCII, which are no part of a URL.
    """
    if not url.isascii():
        raise LinkRefused("the link holds characters beyond ASCII")
    behind_host = re.sub(r"^[^:]*://[^/?#]*", "", url).partition("#")[0]
    return (behind_host if behind_host.startswith("/") else f"/{behind_host}").encode()


def _body_arguments(body: bytes | Multipart | None) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"content": body}
    # Fields travel as parts without a file name, which makes the form multipart even where it has no file.
    fields = [(name, (None, value.encode())) for name, value in body.fields]
    files = [(part.field, (part.filename, part.content, part.content_type)) for part in body.files]
    return {"files": [*fields, *files]}
