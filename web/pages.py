"""The client's files: the page itself, its assets for ever, and a plain page where it was not built.

Only files inside the folder are sent, never a listing; `<name>.br` and `<name>.gz` beside a file are sent in its place to those who
take them; text without them is packed once and remembered.
"""

from __future__ import annotations

import gzip
import mimetypes
from email.utils import formatdate
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

TYPES = {
    ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".map": "application/json",
    ".mjs": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain", ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".ico": "image/x-icon",
}  # fmt: skip
PACKED = {"br": ".br", "gzip": ".gz"}
TEXT = {".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".wasm"}  # what gzip makes smaller
SMALL_BYTES = 1024
FOR_EVER = "public, max-age=31536000, immutable"


class Found(NamedTuple):
    """A file to send, and how it is packed."""

    path: Path
    encoding: str


async def page(folder: Path, request: Request) -> Response:
    """The client's page, or one that says how to build it."""
    return await file(folder, "index.html", request) or HTMLResponse(_not_built(), headers={"cache-control": "no-store"})


async def file(folder: Path, name: str, request: Request) -> Response | None:
    """The file `name` of the client; None where there is none."""
    return await run_in_threadpool(_file, folder, name, request.headers)


def _file(folder: Path, name: str, headers: Headers) -> Response | None:
    path = _inside(folder, name)
    if path is None:
        return None
    found = _packed(path, headers.get("accept-encoding", ""))
    stat = found.path.stat()
    sent = {
        "etag": f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"',
        "last-modified": formatdate(stat.st_mtime, usegmt=True),
        "cache-control": FOR_EVER if name.startswith("assets/") else "no-cache",
        "vary": "accept-encoding",
    }
    if sent["etag"] in headers.get("if-none-match", ""):
        return Response(status_code=304, headers=sent)
    if found.encoding:
        sent["content-encoding"] = found.encoding
        return Response(found.path.read_bytes(), headers=sent, media_type=_type(path))
    if stat.st_size > SMALL_BYTES and path.suffix in TEXT and "gzip" in headers.get("accept-encoding", ""):
        return Response(_gzipped(path, stat.st_mtime_ns), headers=sent | {"content-encoding": "gzip"}, media_type=_type(path))
    return Response(path.read_bytes(), headers=sent, media_type=_type(path))


def _inside(folder: Path, name: str) -> Path | None:
    """The file, if it lies in the folder once links and dots are followed."""
    if "\0" in name or "\\" in name:
        return None
    root = folder.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def _packed(path: Path, accepted: str) -> Found:
    for encoding, suffix in PACKED.items():
        packed = path.with_name(path.name + suffix)
        if encoding in accepted and packed.is_file():
            return Found(packed, encoding)
    return Found(path, "")


@lru_cache(64)
def _gzipped(path: Path, _changed_ns: int) -> bytes:
    """The file packed; packed again when it has changed."""
    return gzip.compress(path.read_bytes(), 6, mtime=0)


def _type(path: Path) -> str:
    return TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _not_built() -> str:
    return files("web").joinpath("not_built.html").read_text("utf-8")
