"""What people say of positions that were concluded: confirmed, rejected, or somewhere else, kept in a layer of the park's own.

The layer `position_corrections` is of kind `key_position`, and its source is nobody's file: no import replaces it. A decision holds who
made it and when; a later one on the same position takes its place. The same can be imported: a file of kind `key_position` with the
columns `corrects`, `decision`, `class`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from twin.errors import NotFound
from twin.measures.derived.position import CONFIRMED, PLACED
from twin.measures.positions import Position, gather_positions, position_classes
from twin.model import FeatureTable, Layer
from twin.store import Store

__all__ = ["CONFIRMED", "PLACED", "REJECTED", "Decision", "decide", "derived_positions"]

LAYER = "position_corrections"
SOURCE = "twin positions"
REJECTED = "rejected"
_COLUMNS = ("corrects", "decision", "class", "name", "by", "at", "building_id", "storey_id", "space_id", "element_id")


@dataclass(frozen=True)
class Decision:
    """What a person decided about one position; `lonlat_h` is where it really is, of decision `placed`."""

    position_id: str
    decision: str  # confirmed rejected placed
    by: str = ""
    at: str = ""  # ISO 8601
    lonlat_h: Sequence[float] | None = None  # [deg, deg] or [deg, deg, m]


def decide(store: Store, decisions: Sequence[Decision]) -> None:
    """Keep decisions on derived positions.

    Raises
    ------
    NotFound
        If no derived position is called so.
    """
    known = {position.id: position for position in derived_positions(store)}
    rows = {str(row["corrects"]): (shape, row) for shape, row in _kept(store)}
    for each in decisions:
        position = known.get(each.position_id)
        if position is None and each.position_id not in rows:
            raise NotFound("position_unknown", subject=each.position_id)
        old = rows.get(each.position_id)
        shape, row = _row(store, position) if position is not None else (old[0], old[1]) if old is not None else (None, {})
        if each.lonlat_h is not None:
            shape = shapely.Point(*each.lonlat_h)
            row = {name: value for name, value in row.items() if name not in {"storey_id", "space_id"} or len(each.lonlat_h) < 3}
        rows[each.position_id] = (shape, row | {"decision": each.decision, "by": each.by, "at": each.at, "corrects": each.position_id})
    _put(store, list(rows.values()))


def derived_positions(store: Store) -> list[Position]:
    """Every position that the park's content shows, whatever people said of it and however sure it is, of all classes."""
    register = gather_positions(store, tuple(position_classes()), derive=True, least_confidence=0.0)
    found = [replace(position, state=REJECTED) for position in register.rejected]
    return [*(position for position in register.positions if position.derived), *found]


def _kept(store: Store) -> list[tuple[Any, dict[str, Any]]]:
    if LAYER not in {layer.id for layer in store.layers()}:
        return []
    table = store.features(LAYER)
    return [(shape, table.row(i)) for i, shape in enumerate(table.geometry) if table.row(i).get("corrects")]


def _row(store: Store, position: Position) -> tuple[Any, dict[str, Any]]:
    """A position as a feature: where it was concluded to be, so that a correction finds it even if it is called otherwise one day."""
    frame = store.park().frame
    point = shapely.get_coordinates(shapely.point_on_surface(position.shape))
    z = 0.0 if position.floor_z is None else position.floor_z
    lon, lat, height = frame.to_lonlat([[*point[0], z]])[0].tolist()
    said = {"class": position.kind, "name": position.name, "building_id": position.building_id, "storey_id": position.storey_id}
    more = {"space_id": position.space_id, "element_id": position.element_id}
    return (shapely.Point(lon, lat) if position.floor_z is None else shapely.Point(lon, lat, height)), said | more


def _put(store: Store, rows: Sequence[tuple[Any, dict[str, Any]]]) -> None:
    geometry = np.array([shape for shape, _ in rows], object)
    columns = {name: [row.get(name) for _, row in rows] for name in _COLUMNS}
    ids = [f"correction/{row['corrects']}" for _, row in rows]
    with store.transaction() as writer:
        writer.put_layer(Layer(LAYER, "key_position", "Corrected positions", source=SOURCE, title_zh="人工更正的关键位置"))
        writer.put_features(LAYER, FeatureTable(ids, geometry, columns), source=SOURCE)
