"""Small parks built in code: boxes as building elements, squares as footprints."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh

from tiles.glb.meshopt import decode_attributes, decode_exponential, decode_triangles
from twin.crs import Frame
from twin.model import Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Storey
from twin.store import Store, create_store

FRAME = Frame(121.4, 31.2, 15.0)


@pytest.fixture
def frame() -> Frame:
    return FRAME


@pytest.fixture
def apart() -> Callable[[np.ndarray, np.ndarray], float]:
    """How far two sets of triangles (n, 3, 3) are from being the same, whatever their order and the corner each starts with. [m]"""

    def farthest(one: np.ndarray, other: np.ndarray) -> float:
        assert one.shape == other.shape
        turned = np.stack([np.roll(one, k, axis=1) for k in range(3)])[:, :, None]
        far = np.linalg.norm(turned - other, axis=-1).max(axis=-1).min(axis=0)  # (n, n)
        return float(max(far.min(axis=0).max(), far.min(axis=1).max()))

    return farthest


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


@pytest.fixture
def decode_plain() -> Callable[[bytes], dict[str, Any]]:
    """Attributes (n, k) of a GLB without features, z up in the tile's own metres, and `triangles` (f, 3) where it has them."""

    def decode(content: bytes) -> dict[str, Any]:
        size = struct.unpack_from("<I", content, 12)[0]
        document, data = json.loads(content[20 : 20 + size]), content[28 + size :]
        primitive, node = document["meshes"][0]["primitives"][0], document["nodes"][0]

        def values(index: int) -> np.ndarray:
            accessor = document["accessors"][index]
            about = document["bufferViews"][accessor["bufferView"]]["extensions"]["EXT_meshopt_compression"]
            packed = data[about["byteOffset"] : about["byteOffset"] + about["byteLength"]]
            if about["mode"] == "TRIANGLES":
                return decode_triangles(packed, about["count"]).reshape(-1, 3)
            rows = decode_attributes(packed, about["count"], about["byteStride"])
            if about.get("filter") == "EXPONENTIAL":
                return decode_exponential(rows)
            kind = {5120: "<i1", 5121: "<u1", 5123: "<u2", 5126: "<f4"}[accessor["componentType"]]
            width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
            found = rows.view(kind)[:, :width]
            if "min" in accessor:
                assert found.min(axis=0).tolist() == accessor["min"]
                assert found.max(axis=0).tolist() == accessor["max"]
            return found

        out = {name: values(index) for name, index in primitive["attributes"].items()}
        step, low = node.get("scale", [1.0])[0], node["translation"]
        out["POSITION"] = out["POSITION"].astype(float) * step + [low[0], -low[2], low[1]]
        return out | ({"triangles": values(primitive["indices"])} if "indices" in primitive else {})

    return decode
