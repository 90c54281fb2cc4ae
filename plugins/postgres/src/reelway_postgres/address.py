"""Where a ledger is: a URL as PostgreSQL reads it, and the schema that is the ledger's own."""

from __future__ import annotations

import re
from typing import Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reelway.errors import ConfigurationError
from reelway.model.secret import Secret

SCHEMA: Final = "reelway"
"""Where the tables are, unless the URL names another place."""

SHOWN: Final = ("user", "host", "port", "dbname")
"""All that messages say of an address."""

DEFAULTS: Final = {
    "application_name": "reelway",
    "connect_timeout": "10",
    # A server that went away without a word is noticed (https://www.postgresql.org/docs/current/libpq-connect.html).
    "keepalives_idle": "30",
    "tcp_user_timeout": "30000",
}
"""How connections are made where the URL says nothing of it. Seconds; the last one is in milliseconds."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class Address:
    """A server, a database and a schema, and how to get in. Its repr holds no password."""

    def __init__(self, parameters: Secret, schema: str, name: str) -> None:
        self._parameters = parameters
        self.schema = schema
        self.name = name

    @classmethod
    def of(cls, url: Secret) -> Self:
        """Read a URL: any that PostgreSQL takes, with ``schema=NAME`` among its parameters if need be.

        Raises:
            ConfigurationError: it cannot be read. What it says may hold a password, so it is not quoted.
        """
        # Nothing is raised from where the parts are at hand: reports print the locals of every frame.
        read = _read(url)
        if read is None:
            raise ConfigurationError(
                "The address of the PostgreSQL ledger cannot be read.",
                hint="It looks like postgresql://user:password@host:5432/database?schema=reelway. What is special "
                "in a password is percent-encoded; a schema is letters, digits and underscores.",
            )
        settings, schema = read
        return cls(Secret(make_conninfo(**settings)), schema, _name(settings, schema))

    def connect(self) -> psycopg.Connection:
        """A new connection, each statement of which is a transaction unless one is begun.

        Raises:
            psycopg.OperationalError: there is none to be had.
        """
        # Nothing is prepared by name, so a pooler may hand each transaction to another session.
        return psycopg.connect(self._parameters.reveal(), autocommit=True, prepare_threshold=None)

    @property
    def conninfo(self) -> Secret:
        """What libpq is told, for a session of its own that finds the names of this schema and of no other."""
        parameters = self._parameters.reveal()
        options = f'{conninfo_to_dict(parameters).get("options", "")} -csearch_path="{self.schema}"'
        return Secret(make_conninfo(parameters, options=options.lstrip()))

    def __repr__(self) -> str:
        return f"Address({self.name!r})"


def _read(url: Secret) -> tuple[dict[str, str], str] | None:
    """What libpq is told, and the schema; None if it is no address."""
    try:
        parts = urlsplit(url.reveal())
        # Of a password in which an @, a slash or a # stands as it is, a piece would be taken for the server's name.
        if "@" in parts.path or parts.netloc.count("@") > 1 or parts.fragment:
            return None
        # For libpq, unlike for forms, a plus is a plus.
        settings = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
        rest = urlencode([pair for pair in settings if pair[0] != "schema"], quote_via=quote)
        read = conninfo_to_dict(urlunsplit(parts._replace(query=rest)))
    except (ValueError, psycopg.Error):
        return None
    schema = dict(settings).get("schema", SCHEMA)
    return (
        (DEFAULTS | {key: str(value) for key, value in read.items()}, schema) if _NAME.fullmatch(schema) else None
    )


def _name(settings: dict[str, str], schema: str) -> str:
    user, host, port, database = (settings.get(key, "") for key in SHOWN)
    place = f"{user and quote(user)}{user and '@'}{quote(host, safe=',:')}{port and ':'}{port}"
    return f"postgresql://{place}/{quote(database)}" + ("" if schema == SCHEMA else f"?schema={schema}")
