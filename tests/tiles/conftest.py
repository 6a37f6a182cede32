"""Small parks built in code: boxes as building elements, squares as footprints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from twin.crs import Frame
from twin.model import Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Storey
from twin.store import Store, create_store

FRAME = Frame(121.4, 31.2, 15.0)


@pytest.fixture
def frame() -> Frame:
    return FRAME


@pytest.fixture
def box_mesh() -> Callable[..., Mesh]:
    """Boxes of given centre and size as elements: [(id, centre, size, rgba)]."""

    def make(boxes: Sequence[tuple[str, Sequence[float], Sequence[float], Sequence[int]]]) -> Mesh:
        solids = [trimesh.creation.box(size, trimesh.transformations.translation_matrix(centre)) for _, centre, size, _ in boxes]
        faces = np.concatenate([solid.faces + 8 * k for k, solid in enumerate(solids)])
        colors = np.repeat(np.array([color for *_, color in boxes], np.uint8), 12, axis=0)
        owner = np.repeat(np.arange(len(boxes)), 12)
        vertices = np.concatenate([np.asarray(solid.vertices) for solid in solids])
        return Mesh(vertices, faces.astype(np.uint32), owner.astype(np.uint32), colors, [identity for identity, *_ in boxes])

    return make


@pytest.fixture
def model_of(frame: Frame) -> Callable[..., ModelContent]:
    """A model with one element a mesh element, storeys and disciplines taking turns."""

    def make(model_id: str, mesh: Mesh, *, building_id: str | None = None, outlined: bool = True) -> ModelContent:
        low, high = (mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)) if len(mesh.vertices) else (np.zeros(3), np.zeros(3))
        outline = frame.unproject(shapely.box(*low[:2], *high[:2])) if outlined else None
        place = Georeferencing("given", (frame.lon_deg, frame.lat_deg), 15.0, 0.0, None, "")
        storeys = [Storey(f"{model_id}-s{k}", model_id, f"{k + 1}F", 3.0 * k, 15.0 + 3.0 * k) for k in range(2)]
        elements = [
            Element(
                id=identity,
                model_id=model_id,
                ifc_class="IfcWall",
                name=f"构件 {identity}",
                storey_id=storeys[k % 2].id if k % 3 else None,
                discipline="hvac" if k % 5 == 0 else "architecture",
                state="built",
            )
            for k, identity in enumerate(mesh.element_ids)
        ]
        model = Model(model_id, f"模型 {model_id}", "IFC4", "0" * 64, place, outline, 15.0, 25.0, building_id)
        return ModelContent(model, storeys, [], elements, mesh)

    return make


@pytest.fixture
def square(frame: Frame) -> Callable[..., Any]:
    """A square in longitude and latitude about a point of the park's frame."""

    def make(x: float, y: float, size: float = 20.0) -> Any:
        return frame.unproject(shapely.box(x - size / 2, y - size / 2, x + size / 2, y + size / 2))

    return make


@pytest.fixture
def store(tmp_path: Path, frame: Frame) -> Iterator[Store]:
    """An empty park on disk."""
    opened = create_store(tmp_path / "park", Park("园区", frame))
    yield opened
    opened.close()


@pytest.fixture
def put_buildings(store: Store) -> Callable[..., None]:
    """Put footprints into the layer `buildings`, replacing those there."""

    def put(footprints: dict[str, Any], **columns: Sequence[Any]) -> None:
        table = FeatureTable(list(footprints), np.array(list(footprints.values()), object), columns)
        with store.transaction() as writer:
            writer.put_layer(Layer("buildings", "building", "Buildings"))
            writer.put_features("buildings", table, source="test")

    return put


@pytest.fixture
def put_model(store: Store) -> Callable[[ModelContent], None]:
    def put(content: ModelContent) -> None:
        with store.transaction() as writer:
            writer.put_model(content)

    return put
