"""Connections to the database of a park: kept open between questions, and what the server's failures mean to a person."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors, pq
from psycopg.abc import Buffer
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown, TextBinaryLoader, TextLoader

from twin.errors import Conflict, StoreError
from twin.store.postgis.address import Address
from twin.store.rows import Record

Connection = psycopg.Connection[tuple[Any, ...]]
_T = TypeVar("_T")

CONNECT_WAIT_S = 10
LOCK_WAIT_S = 30.0  # how long a writer waits for another
_TRIES = 5
MOST_IDLE = 8  # connections kept open while nobody asks anything
# A text of PostgreSQL cannot hold the character 0, which dBase files bring: it is written as two characters of the private use area.
_ESCAPE, _ZERO = "\U0010fff0", "\U0010fff0\U0010fff1"
# tables are found by their bare names, PostGIS wherever it was installed
_SETTINGS = """SELECT set_config('search_path', quote_ident(%s) || ', ' || coalesce((SELECT quote_ident(nspname) FROM pg_namespace AS n
    JOIN pg_extension AS e ON e.extnamespace = n.oid WHERE extname = 'postgis'), 'public'), false), set_config('lock_timeout', %s, false)"""
_REFUSALS: Mapping[type[psycopg.Error], str] = {
    errors.LockNotAvailable: "park_locked",
    errors.InsufficientPrivilege: "database_forbidden",
    errors.ReadOnlySqlTransaction: "database_forbidden",
    errors.DiskFull: "disk_full",
    errors.UndefinedTable: "park_unreadable",
    errors.UndefinedColumn: "park_unreadable",
}


class Pool:
    """The connections of one park: a thread in a transaction has its own, everybody else borrows one for a question."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._local = threading.local()
        self._process = os.getpid()

    @property
    def held(self) -> Connection | None:
        """The connection of the transaction this thread is in."""
        return getattr(self._local, "held", None)

    @contextmanager
    def borrow(self) -> Generator[Connection]:
        """A connection for one question.

        Raises
        ------
        StoreError
            If the server cannot be reached, goes away or refuses.
        """
        held = self.held
        connection = held or self._take()
        try:
            yield connection
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                self.close()  # the others were made to the same server: they are as dead
            raise failure(error, self._address) from error
        finally:
            if held is None:
                self._give(connection)

    @contextmanager
    def hold(self) -> Generator[Connection]:
        """A connection that every `borrow` of this thread is given, until the end."""
        with self.borrow() as connection:
            self._local.held = connection
            try:
                yield connection
            finally:
                del self._local.held

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle if self._process == os.getpid() else []:  # a forked process must not say goodbye for its parent
            connection.close()

    def _take(self) -> Connection:
        if self._process != os.getpid():
            self._idle, self._process, self._lock = [], os.getpid(), threading.Lock()
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return connect(self._address)

    def _give(self, connection: Connection) -> None:
        if connection.closed:
            return
        if connection.info.transaction_status == pq.TransactionStatus.IDLE:
            with self._lock:
                if len(self._idle) < MOST_IDLE:
                    self._idle.append(connection)
                    return
        connection.close()


def connect(address: Address) -> Connection:
    """A connection in autocommit mode that finds the park's tables by their bare names.

    Raises
    ------
    StoreError
        If the server cannot be reached or refuses.
    """
    told: dict[str, Any] = {"connect_timeout": str(CONNECT_WAIT_S), "application_name": "parktwin"} | dict(address.libpq)
    try:
        connection = psycopg.connect(**told, autocommit=True)
    except psycopg.OperationalError as error:
        raise _let_in(error, address) from error
    except psycopg.ProgrammingError:
        # the sentence of libpq quotes what it does not understand, which may be half a password
        raise StoreError("database_options", subject=address.shown) from None
    connection.adapters.register_dumper(str, _CopiedTextDumper)
    connection.adapters.register_dumper(str, _TextDumper)
    connection.adapters.register_loader("json", TextLoader)
    connection.adapters.register_loader("json", TextBinaryLoader)
    connection.execute(_SETTINGS, (address.schema, str(int(LOCK_WAIT_S * 1000))))
    return connection


def failure(error: psycopg.Error, address: Address) -> StoreError:
    """What an error of the server says about a park, in words a person can act on."""
    code = next((code for kind, code in _REFUSALS.items() if isinstance(error, kind)), None)
    if code is None:
        code = "database_lost" if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) else "database_refused"
    kind = Conflict if code == "park_locked" else StoreError
    return kind(code, subject=address.shown, reason=_reason(error))


def _let_in(error: psycopg.OperationalError, address: Address) -> StoreError:
    """Why there is no connection. libpq gives no code for it, only the server's sentence."""
    reason = _reason(error)
    if "FATAL:" not in str(error):
        return StoreError("database_lost", subject=address.shown, reason=reason)
    code = "database_missing" if "does not exist" in reason and "role" not in reason else "database_login"
    return StoreError(code, subject=address.shown, reason=reason)


def _reason(error: psycopg.Error) -> str:
    """The last of what the server or the library said, on one line."""
    lines = (error.diag.message_primary or str(error)).strip().splitlines() or [type(error).__name__]
    return lines[-1].rpartition("FATAL:")[2].strip()


def again(ask: Callable[[], _T]) -> _T:
    """What `ask` gives; asked again where a writer removed a table between two questions of it."""
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except StoreError as error:
            if not isinstance(error.__cause__, errors.UndefinedTable | errors.InternalError_):
                raise
    return ask()


def fetch(db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with db.cursor(binary=True) as cursor:
        cursor.execute(query, values)  # pyright: ignore[reportArgumentType, reportCallIssue]  identifiers are quoted by `tables.quoted`
        return [tuple(map(_told, row)) if _holds_escape(row) else row for row in cursor.fetchall()]


def records(db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Record]:
    """The rows of a query, each by column name."""
    with db.cursor(binary=True) as cursor:
        cursor.execute(query, values)  # pyright: ignore[reportArgumentType, reportCallIssue]
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, map(_told, row), strict=True)) for row in cursor.fetchall()]


def execute(db: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
    """Run a statement; how many rows it touched."""
    return db.execute(query, values).rowcount  # pyright: ignore[reportArgumentType, reportCallIssue]


class _TextDumper(StrDumperUnknown):
    """Text in a statement, as PostgreSQL can hold it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_written(obj))


class _CopiedTextDumper(StrBinaryDumper):
    """Text in a COPY, as PostgreSQL can hold it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_written(obj))


def _written(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("\0", _ZERO) if "\0" in text or _ESCAPE in text else text


def _told(value: Any) -> Any:
    """The value as it was before `_written`."""
    if isinstance(value, str) and _ESCAPE in value:
        return _ESCAPE.join(part.replace(_ZERO, "\0") for part in value.split(_ESCAPE * 2))
    return value


def _holds_escape(row: tuple[Any, ...]) -> bool:
    return any(isinstance(value, str) and _ESCAPE in value for value in row)
