"""The 3D Tiles of a park as they are served: files read once and proved whole, and made again where they are lost or out of date.

A tile is named by a hash of its content, so that one which was cut short or changed shows when it is first read; it is removed, named in
the log, and built anew beside what is served. Of a tileset, the coarser levels are files of their own and stay.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiles.build import FOOTPRINTS, build, is_current, tiles_folder
from tiles.files import ENCODINGS, folder_name, pack, unpacked
from tiles.http.cache import IMMUTABLE, REVALIDATE, Answer, answer, of
from tiles.http.flight import LongFlight
from tiles.http.negotiate import IDENTITY
from tiles.http.problem import NotAcceptable, Unreadable
from tiles.sources.ground import TERRAIN
from tiles.state import Part, State, read_state
from twin.errors import TileError, TwinError
from twin.i18n import message, preferred_language
from twin.store import Store

TYPES = {".glb": b"model/gltf-binary", ".json": b"application/json"}
ROOT = "tileset.json"
RETRY_S = 30.0  # after a build that failed
LOOK_AGAIN_S = 10.0  # after all files were seen to be there
_FOLDER = re.compile(rf"b[0-9a-f]{{20}}|{FOOTPRINTS}|{TERRAIN}")
_CONTENT = re.compile(r"([0-9a-f]{32})(\.[a-z0-9]+)")

log = logging.getLogger("parktwin.tiles")


@dataclass(frozen=True)
class Place:
    """A file of the 3D Tiles: its folder ("" for the tileset of the whole park), its name, and what it shows."""

    folder: str
    name: str
    subject: str
    path: str  # as asked for

    @property
    def is_content(self) -> bool:
        """Whether the name is made of the content, which so never changes."""
        return self.name != ROOT


class Trees:
    """The 3D Tiles of one park; `keep_current` has what is missing or out of date built."""

    def __init__(self, store: Store, *, keep_current: bool) -> None:
        self._store = store
        self._keep_current = keep_current
        self._folder = tiles_folder(store.path)
        self._builder = LongFlight("tiles-build", self._rebuild)
        self._failed: tuple[str, float] = ("", 0.0)  # the revision, and when
        self._whole: tuple[str, float] = ("", 0.0)
        self._state: tuple[Any, State] = (None, State())
        self._layers: tuple[str, frozenset[str]] = ("", frozenset())
        self._pack_after = 0.0  # no earlier, where the disk would not take what was packed
        self._damaged: set[tuple[str, int, int]] = set()  # forms that are not what was written, and that could not be removed

    def place(self, parts: list[str], path: str) -> Place:
        """The file that an address names, decoded and split; raises TileError where none of ours is named so."""
        tree, *folders = parts[:-1]
        name = parts[-1]
        folders = [TERRAIN, *folders] if tree == TERRAIN else folders
        found = _CONTENT.fullmatch(name)
        is_ours = name == ROOT or (folders and found is not None and found[2] in TYPES)
        if len(folders) > 1 or not is_ours:
            raise TileError("tileset_missing", subject=path)
        if not folders:
            return Place("", name, "", path)
        asked = folders[0]
        folder = asked if _FOLDER.fullmatch(asked) else folder_name(asked)
        return Place(folder, name, self.subject(folder), path)

    def subject(self, folder: str) -> str:
        """What the tileset in a folder shows, as rules name it (see `tiles.http.permission`); empty where there is no such tileset."""
        if folder in {FOOTPRINTS, TERRAIN}:
            return folder
        part = self._parts().parts.get(folder)
        if part is None:
            return ""
        revision = self._store.revision()
        if self._layers[0] != revision:
            self._layers = (revision, frozenset(layer.id for layer in self._store.layers()))
        return f"layer/{part.id}" if part.id in self._layers[1] else f"model/{part.id}"

    def needs_building(self) -> bool:
        """Whether there is nothing yet to show, so that who asks has to wait."""
        return self._keep_current and not self._has_failed() and not (self._folder / ROOT).is_file()

    async def wait(self) -> None:
        """Build, or wait for who builds."""
        await asyncio.shield(asyncio.wrap_future(self._builder.start()))

    def file(self, place: Place, wanted: tuple[str, ...], *, lifetime: bytes | None = None) -> tuple[str, Answer]:
        """A file in the best of the codings wanted that it is there in, which is named; raises TileError.

        Compressed forms that were lost are made again.
        """
        if not place.is_content and self._keep_current:
            self._bring_up_to_date()
        path = self._folder / place.folder / place.name
        refused: OSError | None = None
        for coding in wanted:
            try:
                body = self._read(path, place, coding)
            except OSError as error:
                refused = error
                continue
            if body is not None:
                return coding, _answer(body, place, coding, lifetime)
        if refused is not None:
            raise Unreadable("tile_unreadable", subject=place.path, reason=refused.strerror or type(refused).__name__) from refused
        if IDENTITY not in wanted and path.is_file():
            raise NotAcceptable("tile_not_acceptable", subject=place.path)
        raise self._lost(place)

    def _read(self, path: Path, place: Place, coding: str) -> bytes | None:
        """A file in a coding, packed now where its packed form was lost and can be made."""
        found = self._whole_file(path, place, coding)
        if found is not None or coding == IDENTITY or not self._parts().is_packed or not path.is_file():
            return found
        if time.monotonic() < self._pack_after or self._whole_file(path, place, IDENTITY) is None:
            return None
        try:
            pack(path)
        except TwinError as error:
            if not self._pack_after:
                log.warning(error.text(preferred_language()))
            self._pack_after = time.monotonic() + RETRY_S
            return None
        self._pack_after = 0.0
        return self._whole_file(path, place, coding)

    def _whole_file(self, path: Path, place: Place, coding: str) -> bytes | None:
        """The bytes of a form of a file; None where it is not there or not what was written, in which case it is removed."""
        form = path.with_name(path.name + ENCODINGS.get(coding, ""))
        try:
            about = form.stat()
            if (seen := (str(form), about.st_mtime_ns, about.st_size)) in self._damaged:
                return None
            content = form.read_bytes()
        except FileNotFoundError:
            return None
        if _is_whole(content, place, coding):
            return content
        log.warning(message("tile_damaged", preferred_language(), subject=form))
        try:
            form.unlink(missing_ok=True)
        except OSError:
            self._damaged.add(seen)
        return None

    def _lost(self, place: Place) -> TileError:
        """What to say of a file that is not there; one that should be is built again."""
        part = self._parts().parts.get(place.folder)
        should_be = bool(place.folder) and part is not None and (not place.is_content or place.name in part.files)
        if not should_be:
            return TileError("tileset_missing", subject=place.path)
        if not self._keep_current:
            return TileError("tile_lost", subject=place.path)
        self._whole = ("", 0.0)
        self._bring_up_to_date()
        return TileError("tile_lost_mending", subject=place.path)

    def _bring_up_to_date(self) -> None:
        """Build what is out of date beside what is served."""
        revision, now = self._store.revision(), time.monotonic()
        if self._has_failed() or (self._whole[0] == revision and now < self._whole[1] + LOOK_AGAIN_S):
            return
        if is_current(self._store):
            self._whole = (revision, now)
            return
        self._builder.start()

    def _has_failed(self) -> bool:
        revision, when = self._failed
        return bool(revision) and time.monotonic() < when + RETRY_S and revision == self._store.revision()

    def _rebuild(self) -> None:
        """Build; another process that builds is waited for, and what it has built is not built again."""
        try:
            revision = self._store.revision()
            try:
                build(self._store)
            except (TwinError, OSError):
                self._failed = (revision, time.monotonic())  # not tried again at every request
                log.exception(message("tiles_build_failed", preferred_language(), subject=self._store.path))
        finally:
            self._store.close()  # this thread's connection

    def _parts(self) -> State:
        """What was built, read again when it has changed."""
        try:
            about = (self._folder / "state.json").stat()
        except OSError:
            return State()
        seen = (about.st_mtime_ns, about.st_size, about.st_ino)
        if self._state[0] != seen:
            self._state = (seen, read_state(self._folder))
        return self._state[1]

    def part_of(self, folder: str) -> Part | None:
        """The tileset in a folder, as it was built."""
        return self._parts().parts.get(folder)


def _answer(body: bytes, place: Place, coding: str, lifetime: bytes | None) -> Answer:
    media_type = TYPES[Path(place.name).suffix]
    if place.is_content:
        made = answer(body, media_type, coding, tag=Path(place.name).stem, lifetime=lifetime or IMMUTABLE)
    else:
        made = answer(body, media_type, coding, lifetime=lifetime or REVALIDATE)
    return of(made, subject=place.subject)


def _is_whole(content: bytes, place: Place, coding: str) -> bool:
    """Whether a file is what was written: by the hash in its name, or, of a tileset, by being JSON."""
    plain = content if coding == IDENTITY else unpacked(content, coding)
    if plain is None:
        return False
    if place.is_content:
        return hashlib.blake2b(plain, digest_size=16).hexdigest() == Path(place.name).stem
    try:
        json.loads(plain)
    except ValueError:
        return False
    return True
