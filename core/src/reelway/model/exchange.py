"""What may be told of one exchange with a provider: no body, no header, no key and no signed link."""

from __future__ import annotations

from msgspec import Struct


class HttpExchange(Struct, frozen=True, kw_only=True):
    """One exchange with a provider's API, as an observer is told of it.

    Attributes:
        provider: the provider's name.
        account: the account's name.
        method: the HTTP method.
        path: the path below the base URL, without its query.
        status: the HTTP status; None where no answer came.
        seconds: how long it took, from the wish to send until the answer was read or the exchange broke.
        phase: how far it got: ``connecting``, ``connected``, ``sending`` or ``receiving``. From ``sending`` on, the
            provider may have acted on the request.
        reason: why no answer came, in a few words; None where one came.
    """

    provider: str
    account: str
    method: str
    path: str
    status: int | None
    seconds: float
    phase: str
    reason: str | None = None
