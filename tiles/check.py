"""Whether the 3D Tiles on disk are whole: every file that a tileset names is there and is what its name says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tiles.build import built_parts, is_current, tiles_folder
from twin.model import Issue
from twin.store import Store

_LISTED = 20  # files named one by one


def broken_tiles(store: Store) -> list[Issue]:
    """An issue for each tile file that is missing or changed; a remark where the tiles are not built or not up to date."""
    folder = tiles_folder(store.path)
    if not (folder / "tileset.json").is_file():
        return [Issue("tiles_not_built", "info", store.park().name)]
    issues = list(_broken(folder, store))
    listed = issues[:_LISTED]
    if len(issues) > _LISTED:
        listed.append(Issue("check_more", "error", "tiles", {"count": len(issues) - _LISTED}))
    return listed or ([] if is_current(store) else [Issue("tiles_out_of_date", "info", store.park().name)])


def _broken(folder: Path, store: Store) -> Iterator[Issue]:
    for part in built_parts(store):
        for name in ("tileset.json", *part.files):
            path = folder / part.folder / name
            if not path.is_file():
                yield Issue("tile_file_missing", "error", f"{part.folder}/{name}", {"building": part.id})
            elif name != "tileset.json" and not _is_itself(path):
                yield Issue("tile_file_changed", "error", f"{part.folder}/{name}", {"building": part.id})


def _is_itself(path: Path) -> bool:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() == path.stem
