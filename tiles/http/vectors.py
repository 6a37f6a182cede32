"""The vector tiles of a park as they are served: encoded when first asked for, then kept in memory and on disk.

What is kept is kept under the content of its layer, not under the revision of the park: a device that moved leaves the tiles of the roads
where they are. After every change of the park a layer's table is read once more, and only one that differs is laid out anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
import shapely

from tiles.files import compressed
from tiles.http.cache import REVALIDATE, Answer, answer, of
from tiles.http.kept import KeptTiles
from tiles.http.negotiate import IDENTITY
from tiles.mvt import VectorTiles, is_tile
from twin.errors import NotFound, TileError
from twin.model import FeatureTable
from twin.store import Store

MVT = b"application/vnd.mapbox-vector-tile"
WORTH_COMPRESSING = 256  # bytes
WORTH_KEEPING = 2048  # bytes of a tile before compression; smaller ones are encoded as fast as they are read
_SUFFIX = {IDENTITY: ".mvt", "br": ".br", "gzip": ".gz"}
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Laid:
    """A layer laid out for encoding, the content it was laid out from, and the revision of the park that content was last seen at."""

    tiles: VectorTiles
    content: str
    revision: str


class Layers:
    """The layers of a park, each laid out when first asked for."""

    def __init__(self, store: Store, forget: Callable[[str], None]) -> None:
        self._store = store
        self._forget = forget  # told of contents that are no more
        self._known: dict[str, Laid] = {}
        self._locks: dict[str, threading.Lock] = {}

    def content_at(self, layer_id: str, revision: str) -> str | None:
        """The layer's content, if it is known at that revision."""
        known = self._known.get(layer_id)
        return known.content if known is not None and known.revision == revision else None

    def layer(self, layer_id: str) -> Laid:
        """The layer as the park has it now; raises NotFound."""
        revision = self._store.revision()
        with self._locks.setdefault(layer_id, threading.Lock()):  # those who ask at once lay it out once
            known = self._known.get(layer_id)
            if known is None or known.revision != revision:
                try:
                    table = self._store.features(layer_id)
                except NotFound:
                    self._locks.pop(layer_id, None)  # else any name that is asked for stays
                    self._let_go(self._known.pop(layer_id, None))
                    raise
                content = content_of(layer_id, table)
                if known is not None and known.content == content:
                    known = replace(known, revision=revision)
                else:
                    self._let_go(known)
                    known = Laid(VectorTiles(layer_id, table), content, revision)
                self._known[layer_id] = known
        return known

    def _let_go(self, known: Laid | None) -> None:
        if known is not None:
            self._forget(known.content)


@dataclass(frozen=True)
class Encoder:
    """Tiles of layers, out of what is kept on disk or made now."""

    kept: KeptTiles
    lifetime: bytes = REVALIDATE

    def tile(self, laid: Laid, place: tuple[int, int, int], wanted: Sequence[str], subject: str) -> tuple[str, Answer]:
        """A tile in the first of the codings that it is worth, which is named, and the answer that carries it."""
        coding = wanted[0]
        name = "-".join(map(str, place)) + _SUFFIX[coding]
        body = self.kept.get(laid.content, name)
        if body is None:
            coding, body = self._make(laid, place, wanted, name)
        made = answer(body, MVT, coding, lifetime=self.lifetime)
        return coding, of(made, subject=subject, layer=laid.tiles.layer_id, content=laid.content)

    def _make(self, laid: Laid, place: tuple[int, int, int], wanted: Sequence[str], name: str) -> tuple[str, bytes]:
        with self.kept.alone(laid.content, name):
            body = self.kept.get(laid.content, name)  # another process had the lock
            if body is not None:
                return wanted[0], body
            plain = laid.tiles.encode(*place) or b""
            coding = worth(plain, wanted)
            body = plain if coding == IDENTITY else compressed(plain, coding)
            if len(plain) >= WORTH_KEEPING and coding == wanted[0]:
                self.kept.put(laid.content, name, body)
            return coding, body


def worth(plain: bytes, wanted: Sequence[str]) -> str:
    """The coding to send bytes in: none where they are few, unless that is refused; an empty body has none."""
    is_small = len(plain) < WORTH_COMPRESSING and IDENTITY in wanted
    return IDENTITY if is_small or not plain else wanted[0]


def place_of(z: str, x: str, file: str, path: str) -> tuple[int, int, int]:
    """The tile that an address names; raises TileError."""
    numbers = (z, x, file.removesuffix(".mvt") if file.endswith(".mvt") else "")
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        raise TileError("tile_missing", subject=path)
    place = (int(numbers[0]), int(numbers[1]), int(numbers[2]))
    if not is_tile(*place):
        raise TileError("tile_missing", subject=path)
    return place


def content_of(layer_id: str, table: FeatureTable) -> str:
    """A hash of all that a layer's tiles depend on, the encoder included."""
    digest = hashlib.blake2b(_encoder() + json.dumps([layer_id, list(table.ids)]).encode(), digest_size=16)
    geometry = shapely.to_wkb(np.asarray(table.geometry, object))
    for shape in geometry.tolist():
        digest.update(b"\0" if shape is None else shape)
    for name, column in table.columns.items():
        digest.update(json.dumps([name, list(column)], default=repr).encode())
    return digest.hexdigest()


@cache
def _encoder() -> bytes:
    """A hash of the encoder itself: another one gives other tiles."""
    encoder = sorted((entry for entry in files("tiles.mvt").iterdir() if entry.name.endswith(".py")), key=lambda entry: entry.name)
    packing = files("tiles") / "files.py"
    return hashlib.blake2b(b"".join(entry.read_bytes() for entry in (*encoder, packing)), digest_size=16).digest()
