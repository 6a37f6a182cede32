"""Answers that hold for as long as nobody changes the park: made once a revision, kept as bytes, asked for by ETag."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from twin.store import Store

Answer = BaseModel | Sequence[BaseModel] | Mapping[str, Any]
T = TypeVar("T")
SMALL_BYTES = 1024  # below this, packing costs more than it saves


@dataclass(frozen=True)
class Body:
    """A JSON body, as it is and packed by gzip (empty where it is too small for that), with its ETag."""

    raw: bytes
    packed: bytes
    etag: str


class Memo:
    """What was made of the park at its present revision, by key. Two who ask for the same at once share one making."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._revision = ""
        self._kept: dict[str, Future[Any]] = {}

    def value(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returns, made once a revision."""
        revision = self._store.revision()
        with self._lock:
            if revision != self._revision:
                self._revision, self._kept = revision, {}
            future = self._kept.get(key)
            mine = future is None
            if future is None:
                future = self._kept[key] = Future()
        if mine:
            self._make(key, future, make)
        return cast("T", future.result())

    def body(self, key: str, make: Callable[[], Answer]) -> Body:
        """The JSON of what `make` returns, made once a revision."""
        return self.value(f"body {key}", lambda: encode(make()))

    def _make(self, key: str, future: Future[Any], make: Callable[[], Any]) -> None:
        try:
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001  it is raised again where the future is asked
            with self._lock:
                if self._kept.get(key) is future:  # a failure is told to those who wait, and not kept
                    del self._kept[key]
            future.set_exception(error)


def encode(answer: Answer) -> Body:
    """The JSON of an answer."""
    raw = to_json(answer, by_alias=True)
    packed = gzip.compress(raw, 5, mtime=0) if len(raw) > SMALL_BYTES else b""
    return Body(raw, packed, f'W/"{hashlib.sha256(raw).hexdigest()[:20]}"')


def reply(request: Request, body: Body) -> Response:
    """The response that carries `body`, or 304 where the asker has it already."""
    headers = {"etag": body.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if body.etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if body.packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body.packed, headers=headers | {"content-encoding": "gzip"}, media_type="application/json")
    return Response(body.raw, headers=headers, media_type="application/json")
