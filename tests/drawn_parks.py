"""Small parks drawn in plan metres, for tests that need a few features, rooms and bodies and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from twin.crs import Frame
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Drawn = tuple[str, Sequence[Any], Mapping[str, Sequence[Any]]]  # kind, shapes in plan metres, columns


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def drawn_park(folder: Path, layers: Mapping[str, Drawn], models: Sequence[ModelContent] = (), devices: Sequence[Device] = ()) -> Store:
    """A park in `folder` with layers, models and devices."""
    store = create_store(folder, Park("p", FRAME))
    with store.transaction() as writer:
        for name, (kind, shapes, columns) in layers.items():
            put_layer(writer, name, kind, shapes, columns)
        for content in models:
            writer.put_model(content)
        writer.put_devices(devices, source="devices")
    return store


def put_layer(writer: Any, name: str, kind: str, shapes: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> None:
    """One layer whose features are called name-0, name-1 … unless a column `id` says otherwise."""
    writer.put_layer(Layer(name, kind, name))
    ids = [str(each) for each in columns.get("id", [f"{name}-{i}" for i in range(len(shapes))])]
    geometry = np.array([None if shape is None else lonlat(shape) for shape in shapes], object)
    table = FeatureTable(ids, geometry, {key: values for key, values in columns.items() if key != "id"})
    writer.put_features(name, table, source=name)


def room(
    name: str, shape: Any, *, storey: str = "low", floor: float = 0.5, usage: str | None = None, model: str = "m", **said: Any
) -> Space:
    """A room with its floor `floor` metres above the park's origin; more of what is said goes into its attributes."""
    area = float(shape.area) if shape is not None else said.pop("area", None)
    outline = None if shape is None else lonlat(shape)
    return Space(name, model, storey, name, name, usage, outline, 500.0 + floor, 3.0, area, said)


def building(
    rooms: Sequence[Space] = (),
    *,
    outline: Any,
    model: str = "m",
    storeys: Sequence[tuple[str, float]] = (("low", 0.5), ("high", 4.0)),
    elements: Sequence[tuple[Element, Any]] = (),
    top: float = 8.0,
) -> ModelContent:
    """A model: rooms, storeys with their floors, and elements with the box of each (xmin ymin zmin xmax ymax zmax) as its body."""
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    about = Model(model, model, "IFC4", "0" * 64, place, lonlat(outline), 500.0, 500.0 + top)
    levels = [Storey(name, model, name, floor, 500.0 + floor, 3.5) for name, floor in storeys]
    return ModelContent(about, levels, rooms, [element for element, _ in elements], _mesh(elements))


def element(
    name: str, ifc_class: str, *, storey: str | None = "low", box: Sequence[float] | None = None, model: str = "m", **more: Any
) -> Element:
    return Element(name, model, ifc_class, name, storey, bbox=box, **more)


def boxed(name: str, ifc_class: str, box: Sequence[float], **more: Any) -> tuple[Element, Sequence[float]]:
    """An element whose body is a box."""
    return element(name, ifc_class, box=box, **more), box


def _mesh(elements: Sequence[tuple[Element, Any]]) -> Mesh:
    corners = [_corners(box) for _, box in elements]
    faces = [_BOX + 8 * k for k in range(len(elements))]
    owner = np.repeat(np.arange(len(elements)), len(_BOX)).astype(np.uint32)
    ids = [each.id for each, _ in elements]
    if not elements:
        return Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), owner, np.empty((0, 4), np.uint8), ids)
    return Mesh(np.concatenate(corners), np.concatenate(faces).astype(np.uint32), owner, np.full((len(owner), 4), 255, np.uint8), ids)


# corner k of a box is at its low or high side along x, y, z by the bits of k; faces turn outward
_BOX = np.array([
    [0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4], [2, 6, 7], [2, 7, 3], [0, 4, 6], [0, 6, 2], [1, 3, 7], [1, 7, 5],
])  # fmt: skip


def _corners(box: Sequence[float]) -> Any:
    return np.array([[box[0 if not k & 1 else 3], box[1 if not k & 2 else 4], box[2 if not k & 4 else 5]] for k in range(8)], float)
