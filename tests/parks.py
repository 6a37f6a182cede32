"""A park with everything in it, and all that a park answers, comparable: for tests that move parks about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from twin.crs import Frame
from twin.model import (
    Asset,
    Connection,
    Device,
    Element,
    Event,
    FeatureTable,
    Georeferencing,
    Group,
    Layer,
    Mesh,
    Model,
    ModelContent,
    Park,
    Photometry,
    Scenario,
    Space,
    Storey,
    Terrain,
)
from twin.store import Store, Writer

PARK = Park("试验园区 ‘one’", Frame(104.06, 30.54, 500.0), "EPSG:4547", "CGVD2013")


def full_park(store: Store, folder: Path) -> Store:
    """A park that uses every verb of the store, with old versions, sources nobody recorded, and layers that changed their kind."""
    kept = [folder / f"file{k}" for k in range(3)]
    for k, file in enumerate(kept):
        file.write_bytes(bytes([k]) * (k * 3_000_000))
    hashes = [store.keep(file) for file in kept]
    with store.transaction() as writer:
        put_roads(writer, "path", 3, "2026-01-01T00:00:00Z")
        writer.put_terrain(Terrain(0, 0, 5, np.full((3, 3), 7, np.float32), "surface"), source="roads.shp")
        writer.put_model(model("in roads", np.eye(3)), source="roads.shp")
        writer.put_assets([Asset("roads.shp", "old.bin", hashes[1], 3_000_000)], source="roads.shp")
    with store.transaction() as writer:
        writer.put_layer(Layer("empty", "zone", "nothing here", title_zh="空"))
        writer.put_layer(Layer("mixed", "building", "mixed", source="buildings.gpkg"))
        writer.put_features("mixed", squares(["b1", "b2"], {"name": ["楼\0一", None], "floors": [[1, {"x": 2**70}], {}]}), source="b.gpkg")
        writer.put_features("mixed", squares(["c1"], {"height_m": [12.5]}), source="")
        writer.put_source(record("b.gpkg", "2026-02-01T00:00:00Z"))
    with store.transaction() as writer:
        writer.archive_source("roads.shp")
        writer.drop_source("roads.shp")
        put_roads(writer, "road", 4, "2026-03-01T00:00:00Z")
        writer.put_model(model("m1", np.array([[0.1, 0.2, 0.3], [10, 0, 0], [0, 10, 5]])), source="tower.ifc")
        writer.put_model(model("m2", np.array([[np.nan, 0, 0], [1, 0, 0], [0, 1, 0]])))
        writer.put_devices([Device("d2", "lamp", "灯", 104.061, 30.541, 6.0, attributes={"lumens": 9000})], source="")
        writer.put_devices(
            [Device("d1", "camera", "东门", 104.06, 30.54, None, 505.5, "b1", status="planned", source="d.csv"),
             Device("d0", "camera", "西门", 104.059, 30.54, 3.0, valid_from="2026-01-01", source="d.csv")],
            source="d.csv",
        )  # fmt: skip
        writer.put_terrain(Terrain(-10, -20, 2.5, np.array([[1, 2], [np.nan, 4]], np.float32)), source="dem.tif")
        writer.put_terrain(Terrain(-10, -20, 5, np.zeros((2, 2), np.float32)), source="coarse.tif")
        writer.put_photometries(
            [Photometry("l1", "Lamp", 5000.0, None, [0, 90], [0, 45], [[1, 2], [3, 4.5]], {"file": "a.ies"})], source="l"
        )
        files = [Asset("tiles", "a/b.glb", hashes[2], 6_000_000, "model/gltf-binary"), Asset("tiles", "A", hashes[0], 0)]
        writer.put_assets(files, source="tiles")
    with store.transaction() as writer:
        late = [Event(f"e{k}", "fire", f"2026-01-0{1 + k % 3}T00:00:00Z", 104.06, 30.54, 501.5 + k, message_zh="火警") for k in range(7)]
        writer.put_events(late)
        writer.put_events([replace(late[2], status="closed", attributes={"by": ["甲", 1.5, None]})])
        for name in ("r1", "r2"):
            result = {"run": name, "measure": "m", "value": None if name == "r1" else 0.5}
            samples = {"x": [1, 2]} if name == "r2" else None
            writer.put_run({"at": "2026-04-01", "result": result, "gaps": {"features": []}, "samples": samples})
        writer.put_scorecard({"pack": "p", "revision": store.revision(), "at": "2026", "totals": {"points": [1, 2]}})
        moved = {"op": "move", "id": "d1", "lon": 104.0602, "lat": 30.5401}
        writer.put_scenario(
            Scenario("夜间", [moved, {"op": "set", "id": "d0", "values": {"tilt_deg": 20.5, "name": None}}], "试", "2026-05")
        )
        writer.put_scenario(Scenario("A"))
        writer.put_scorecard({"pack": "stale", "revision": "none", "at": "2026"})
    store.sweep()
    return store


def put_roads(writer: Writer, kind: str, n: int, at: str) -> None:
    writer.put_layer(Layer("roads", kind, f"roads as {kind}", source="roads.shp", title_zh="路"))
    shapes = shapely.linestrings([[[104, 30 + k, k], [104.1, 30, 0]] for k in range(n)])
    writer.put_features("roads", FeatureTable([f"r{k}" for k in range(n)], shapes), source="roads.shp")
    writer.put_source(record("roads.shp", at))


def record(name: str, at: str) -> dict[str, Any]:
    report = {"issues": [{"code": "c", "details": {"n": 1}}]}
    return {"name": name, "sha256": at, "options": "o", "importer": "vector", "at": at, "report": report}


def squares(ids: list[str], columns: dict[str, list[Any]]) -> FeatureTable:
    corners = 104.06 + np.arange(len(ids)) * 1e-4
    return FeatureTable(ids, shapely.box(corners, 30.54, corners + 5e-5, 30.5401), columns)


def model(identity: str, vertices: Any) -> ModelContent:
    place = Georeferencing("site", None, 1.0, 0.0, None, "because")
    outline = shapely.box(104.06, 30.54, 104.0601, 30.5401)
    rooms = [
        Space("r", identity, "s1", "101", "食堂", "canteen", outline, 500.0, None, 80.0),
        Space("q", identity, None, "", "", None, None, 0.0, 1, 2),
    ]
    layers = [{"name": "C30", "thickness_m": 0.2}]
    parts = [
        Element("w", identity, "IfcWall", "墙", "s1", materials=layers, state="built", bbox=[0, 0, 0, 1, 1, 1]),
        Element("a", identity, "IfcDoor", "", reason="no body", properties={"P": {"火": True, "n": float("nan")}}),
    ]
    corner = np.array([[0, 1, 2]], np.uint32)
    mesh = Mesh(np.asarray(vertices, float), corner, np.array([0], np.uint32), np.full((1, 4), 9, np.uint8), ["w"])
    groups = [Group("g", identity, "system", "IfcSystem", "新风", "VENTILATION", ["w", "a"], {"x": None})]
    joints = [Connection(identity, "w", "a", "p1", "p2", "source", True, [1, 2, 3]), Connection(identity, "a", "w")]
    storeys = [Storey("s2", identity, "2F", 3.5, 503.5), Storey("s1", identity, "1F", 0.0, 500.0, 3.5)]
    told_by = Model(identity, identity, "IFC4", "0" * 64, place, outline, 500, 512, "b1")
    return ModelContent(told_by, storeys, rooms, parts, mesh, groups, joints)


def told(store: Store) -> dict[str, Any]:
    """All that a park answers, comparable."""
    events, _ = store.events_after(0)
    park = store.park()
    answers = {
        "park": [park.name, park.frame.lon_deg, park.frame.lat_deg, park.frame.h_m, park.crs, park.height_datum],
        "layers": store.layers(),
        "features": [store.features(layer.id) for layer in store.layers()],
        "kinds": [store.features_of_kind(kind) for kind in ("building", "road", "path")],
        "extent": np.round(store.extent() or (), 5).tolist(),  # an index of a GeoPackage knows its boxes to a metre
        "devices": store.devices(),
        "cameras": store.devices("camera"),
        "models": store.models(),
        "storeys": store.storeys(),
        "spaces": store.spaces(),
        "elements": store.elements(),
        "meshes": [store.mesh(each.id) for each in store.models()],
        "groups": store.groups(),
        "connections": store.connections(),
        "ground": store.terrain(),
        "surface": store.terrain("surface"),
        "photometries": store.photometries(),
        "assets": store.assets(),
        "bytes": [store.asset_path(asset.sha256).read_bytes() == bytes([asset.size // 3_000_000]) * asset.size for asset in store.assets()],
        "versions": store.versions(),
        "held": [store.version(each.source, each.number) for each in store.versions()],
        "sources": store.sources(),
        "origins": store.origins(),
        "content": [store.content(name) for name in store.origins()],
        "events": store.events(),
        "written": events,
        "runs": [(kept, store.run(kept["run"])) for kept in store.runs()],
        "scorecards": [{**card, "revision": ""} for card in store.scorecards()],
        "scorecard": store.scorecard("stale"),
        "scenarios": [(each, store.scenario(each.name)) for each in store.scenarios()],
    }
    return {name: comparable(answer) for name, answer in answers.items()}


def comparable(value: Any) -> Any:
    """Values whose equality means equality: arrays and geometries as text, NaN equal to itself."""
    if isinstance(value, np.ndarray):
        return comparable(value.tolist()), str(value.dtype)
    if isinstance(value, shapely.Geometry):
        return value.wkb_hex if not value.is_empty else value.wkt
    if hasattr(value, "__dataclass_fields__"):
        return type(value).__name__, {name: comparable(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    return repr(value)
