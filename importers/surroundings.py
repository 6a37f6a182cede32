"""What the park tells an importer: ground, footprints, where places are, and folders to work in."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import shapely

from importers.contract import Context, Footprint, Options, Progress, Relative
from importers.scratch import clear_left, scratch
from twin.buildings import buildings
from twin.store import Store

_OF_A_MODEL = "model"  # the height source of a building that no footprint of GIS stands for


@contextmanager
def surroundings(store: Store, importer: str, options: Options, progress: Progress, *, dry_run: bool) -> Generator[Context]:
    """The context of one import; its scratch folder goes when the import is over, however it ends.

    A dry run gets no cache: it changes nothing, not even that.
    """
    kept, workplace = (None, None) if dry_run else (_folder(store.path / "cache" / each) for each in (importer, "scratch"))
    try:
        with scratch(workplace) as place:
            yield Context(
                store.park(),
                options,
                store.terrain(),
                progress,
                lambda what, identity: locate(store, what, identity),
                cache(lambda: footprints(store)),
                kept,
                place,
                cache(lambda: relatives(store)),
            )
    finally:
        for folder in (kept, workplace):
            _remove_if_empty(folder, store.path)


def clear_away(store: Store) -> None:
    """Remove what imports that were killed have left in the park's scratch folder."""
    folder = store.path / "cache" / "scratch"
    clear_left(folder)
    _remove_if_empty(folder, store.path)


def footprints(store: Store) -> Sequence[Footprint]:
    """The buildings that GIS knows; not those that are nothing but a model."""
    return [
        Footprint(each.id, each.name, each.footprint, each.base_h_m, each.base_h_m + each.height_m if source != "default" else None)
        for each in buildings(store)
        if (source := each.attributes.get("height_source")) != _OF_A_MODEL and each.footprint is not None
    ]


def relatives(store: Store) -> Sequence[Relative]:
    """The models of the park and their storeys."""
    return [Relative(model, store.storeys(model.id)) for model in store.models()]


def locate(store: Store, what: str, identity: str) -> tuple[float, float] | None:
    """A point on the building, storey or space of that id or name; None where the park has none. [deg]"""
    outlines = {"space": _space_outline, "storey": _storey_outline, "building": _building_outline}
    outline = outlines[what](store, identity)
    if outline is None or outline.is_empty:
        return None
    point = shapely.point_on_surface(outline)
    return float(point.x), float(point.y)


def _space_outline(store: Store, identity: str) -> Any:
    return next((space.outline for space in store.spaces() if identity in {space.id, space.name} and space.outline is not None), None)


def _storey_outline(store: Store, identity: str) -> Any:
    model = next((storey.model_id for storey in store.storeys() if storey.id == identity), None)
    return next((each.outline for each in store.models() if each.id == model), None)


def _building_outline(store: Store, identity: str) -> Any:
    table = store.features_of_kind("building")
    names = zip(table.ids, table.column("name"), table.geometry, strict=True)
    found = next((shape for each, name, shape in names if identity in {each, name}), None)
    return found if found is not None else next((model.outline for model in store.models() if identity in {model.id, model.name}), None)


def _folder(path: Path) -> Path | None:
    """The folder, made if need be; None where none can be made."""
    with suppress(OSError):
        path.mkdir(parents=True, exist_ok=True)
        return path
    return None


def _remove_if_empty(folder: Path | None, park: Path) -> None:
    while folder is not None and folder != park:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
