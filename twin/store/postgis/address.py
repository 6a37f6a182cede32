"""The address of a park in a database: `postgresql://user@host:port/database?park=NAME`, the rest of the query is libpq's.

Passwords are read from it and never leave it: not in `shown`, not in a message, not in the name of the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from twin.errors import UsageError

DEFAULT_PARK = "parktwin"
LONGEST_NAME = 63  # bytes of an identifier (PostgreSQL 15 documentation, 4.1.1)
_SECRET = {"password", "sslpassword"}
_REDACTED = "postgresql://…"
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d*))?")


@dataclass(frozen=True)
class Address:
    """Where a park is: what libpq is told, the schema, and the same as a person may see it."""

    libpq: Mapping[str, str]  # holds the password, where one was given
    schema: str
    shown: str

    @property
    def folder(self) -> Path:
        """The folder of this machine that stands for the park: the same for everyone who names the same server, database and park."""
        named = [self.libpq.get(key, default) for key, default in (("host", ""), ("hostaddr", ""), ("port", "5432"), ("dbname", ""))]
        digest = hashlib.sha256("\0".join([*named, self.schema]).encode("utf-8")).hexdigest()[:16]
        label = re.sub(r"[^\w\-]", "_", self.schema)
        return _home() / "parks" / f"{label}-{digest}"

    def lock(self, purpose: str) -> int:
        """The key of an advisory lock of the park, signed 64 bits."""
        return int.from_bytes(hashlib.sha256(f"parktwin\0{self.schema}\0{purpose}".encode()).digest()[:8], "big", signed=True)


def parse(address: str) -> Address:
    """The parts of an address.

    Raises
    ------
    UsageError
        If it is not understood; the message does not repeat it, since it may hold a password.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        raise UsageError("database_address", subject=_REDACTED) from None
    user, _, hosts = parts.netloc.rpartition("@")
    found = [_HOST.fullmatch(host) for host in hosts.split(",")]
    database = parts.path.removeprefix("/")
    if None in found or parts.fragment or "/" in database or "@" in database:
        raise UsageError("database_address", subject=_REDACTED)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    park = query.pop("park", "") or DEFAULT_PARK
    _check_name(park)
    name, colon, password = user.partition(":")
    told = {
        "user": unquote(name),
        "password": unquote(password) if colon else "",
        "host": unquote(",".join(match["host"].strip("[]") for match in found if match)),
        "port": ",".join(match["port"] or "" for match in found if match) if any(match and match["port"] for match in found) else "",
        "dbname": unquote(database),
    }
    libpq = {key: value for key, value in told.items() if value} | query
    return Address(libpq, park, _shown(name, hosts, database, query, park))


def _shown(user: str, hosts: str, database: str, query: Mapping[str, str], park: str) -> str:
    rest = {key: value for key, value in query.items() if key not in _SECRET} | {"park": park}
    return f"postgresql://{user}{'@' if user else ''}{hosts}/{database}?{urlencode(rest, quote_via=quote)}"


def _check_name(park: str) -> None:
    if len(park.encode("utf-8", "replace")) > LONGEST_NAME or park.lower().startswith("pg_") or "\0" in park or not park.isprintable():
        raise UsageError("database_park_name", subject=park, longest=LONGEST_NAME)


def _home() -> Path:
    """Where parks in databases keep what this machine makes of them: tiles, fetched assets."""
    told = os.environ.get("PARKTWIN_HOME")
    if told:
        return Path(told)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "parktwin"
