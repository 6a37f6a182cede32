"""Cameras, light, sound, displays and hoses in one yard full of odd bodies, against another way of seeing: every triangle tried for every
point (Möller and Trumbore), shortest ways by a graph of all corners. No cells, no trees, no code of the product but its store."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tests.drawn_parks import FRAME, drawn_park
from twin.measures import compute
from twin.model import Device, Element, Georeferencing, Mesh, Model, ModelContent, Photometry
from twin.result import Result
from twin.store import Store

HALF = 30.0
FINE_M = 0.25
COURT = shapely.box(-26, -26, -8, -10).difference(shapely.box(-22, -22, -12, -14))
CROSSED = (shapely.box(6, -25, 16, -15), shapely.affinity.rotate(shapely.box(11, -20, 24, -11), 25))  # one stands in the other
REPLACED = shapely.box(6, 8, 20, 20)  # drawn by GIS as a block of 9 m; its model is a roof on posts round a core
ROOF = (REPLACED, 3.5, 7.0)
POSTS = tuple((shapely.box(x, y, x + 0.6, y + 0.6), -1.0, 3.5) for x in (6.0, 12.7, 19.4) for y in (8.0, 19.4))
CORE = (shapely.box(10, 11, 15, 16), -1.0, 3.5)
CANOPY = (shapely.box(-6, 9, 6, 17), 3.0, 3.2)
BRIDGE = (shapely.affinity.rotate(shapely.box(-28, -3, 28, 0), 8), 4.2, 4.6)
WALL = shapely.LineString([(-27, 4), (-14, 6), (-14, 20)])
WALL_M = 2.2
HEIGHTS = (7.0, 4.0, 11.0)  # of the court and of the two that cross

FloatArray = NDArray[np.float64]
Body = tuple[Any, float, float]


@dataclass(frozen=True)
class Yard:
    """The park, turned counter-clockwise by `turn_deg` about its origin and shifted; everything else is told as if it were not."""

    turn_deg: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def moved(self, shape: Any) -> Any:
        return shapely.affinity.translate(shapely.affinity.rotate(shape, self.turn_deg, origin=(0, 0)), *self.shift)

    def device(self, name: str, kind: str, x: float, y: float, **said: Any) -> Device:
        place = self.moved(shapely.Point(x, y))
        lon, lat, _ = FRAME.to_lonlat([[place.x, place.y]])[0].tolist()
        height = said.pop("height_m", None)
        if "azimuth_deg" in said:
            said["azimuth_deg"] = (said["azimuth_deg"] - self.turn_deg) % 360.0
        return Device(name, kind, name, lon, lat, height_m=height, attributes=said)

    def store(self, folder: Path, devices: Sequence[Device], photometries: Sequence[Photometry] = ()) -> Store:
        solids = [COURT, *CROSSED, REPLACED]
        park = drawn_park(
            folder,
            {
                "edge": ("boundary", [self.moved(shapely.box(-HALF, -HALF, HALF, HALF))], {}),
                "yard": ("zone", [self.moved(ground())], {}),
                "blocks": ("building", [self.moved(shape) for shape in solids], {"height_m": [*HEIGHTS, 9.0]}),
                "walls": ("barrier", [self.moved(WALL)], {"class": ["wall"], "height_m": [WALL_M]}),
            },
            [self._model("hall", REPLACED, [ROOF, *POSTS, CORE, CANOPY]), self._model("bridge", BRIDGE[0], [BRIDGE])],
            devices,
        )
        if photometries:
            with park.transaction() as writer:
                writer.put_photometries(photometries, source="ies")
        return park

    def _model(self, name: str, outline: Any, bodies: Sequence[Body]) -> ModelContent:
        corners = [np.array(sides(self.moved(shape), low, high)) for shape, low, high in bodies]
        owner = np.repeat(np.arange(len(corners)), [len(each) for each in corners]).astype(np.uint32)
        vertices = np.concatenate(corners).reshape(-1, 3)
        ids = [f"{name}-{k}" for k in range(len(bodies))]
        mesh = Mesh(vertices, np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3), owner, np.full((len(owner), 4), 255, np.uint8), ids)
        place = Georeferencing("given", None, 500.0, 0.0, None, "test")
        outlined = shapely.force_2d(FRAME.unproject(self.moved(outline)))
        model = Model(name, name, "IFC4", "0" * 64, place, outlined, 500.0, 508.0)
        return ModelContent(model, [], [], [Element(each, name, "IfcSlab", each) for each in ids], mesh)


def sides(shape: Any, low: float, high: float) -> list[FloatArray]:
    """Triangles of an upright body over a polygon: roof, floor and walls."""
    found: list[FloatArray] = []
    for part in shapely.get_parts(shapely.constrained_delaunay_triangles(shape)):
        corners = shapely.get_coordinates(part)[:3]
        found += [np.column_stack([corners, np.full(3, z)]) for z in (low, high)]
    return found + [each for ring in shapely.get_rings(shape) for each in curtain(ring, low, high)]


def curtain(line: Any, low: float, high: float) -> list[FloatArray]:
    found: list[FloatArray] = []
    for a, b in pairwise(shapely.get_coordinates(line).tolist()):
        corners = np.array([[*a, low], [*b, low], [*b, high], [*a, high]])
        found += [corners[[0, 1, 2]], corners[[0, 2, 3]]]
    return found


def ground() -> Any:
    """What is asked about: the yard without what stands on it, the ground under roof, canopy and bridge included."""
    standing = shapely.union_all([COURT, *CROSSED, CORE[0], *(post[0] for post in POSTS)])
    return shapely.box(-HALF, -HALF, HALF, HALF).difference(standing)


def bodies() -> list[FloatArray]:
    solids = [*zip((COURT, *CROSSED), (-1.0,) * 3, HEIGHTS, strict=True), ROOF, *POSTS, CORE, CANOPY, BRIDGE]
    return [each for body in solids for each in sides(*body)] + curtain(WALL, -1.0, WALL_M)


def points(height: float) -> FloatArray:
    """One place at random in each square of FINE_M (n, 3)."""
    rng = np.random.default_rng(4)
    x, y = (each.ravel() for each in np.meshgrid(*[np.arange(-HALF, HALF, FINE_M)] * 2))
    x, y = (each + rng.uniform(0, FINE_M, len(each)) for each in (x, y))
    inside = shapely.contains_xy(ground(), x, y)
    return np.column_stack([x, y, np.full(len(x), height)])[inside]


def hidden(eye: Sequence[float], targets: FloatArray) -> NDArray[np.bool_]:
    """Whether some triangle lies between an eye and targets (n, 3)."""
    way = targets - np.array(eye)
    out = np.zeros(len(targets), bool)
    for a, b, c in bodies():
        one, two, off = b - a, c - a, np.array(eye) - a
        across = np.cross(way, two)
        size = across @ one
        with np.errstate(divide="ignore", invalid="ignore"):
            u, v = across @ off / size, way @ np.cross(off, one) / size
            t = two @ np.cross(off, one) / size
        out |= (np.abs(size) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (t < 1)
    return out


# --- what each kind of device is, and what of the yard it serves by its own definition

CAMERAS = (
    {"x": -4.0, "y": 24.0, "height_m": 6.0, "azimuth_deg": 160.0, "tilt_deg": 18.0, "hfov_deg": 80.0, "vfov_deg": 50.0},
    {"x": -17.0, "y": -18.0, "height_m": 2.5, "azimuth_deg": 40.0, "tilt_deg": 10.0, "hfov_deg": 95.0, "vfov_deg": 55.0},
    {"x": 26.0, "y": -6.0, "height_m": 9.0, "azimuth_deg": 290.0, "tilt_deg": 30.0, "hfov_deg": 70.0, "vfov_deg": 45.0},
    {"x": 0.0, "y": 13.0, "height_m": 2.8, "azimuth_deg": 95.0, "tilt_deg": 5.0, "hfov_deg": 60.0, "vfov_deg": 40.0},
)
PIXELS, DENSITY = 2560, 60.0


def filmed(said: Mapping[str, float], targets: FloatArray) -> NDArray[np.bool_]:
    eye = np.array([said["x"], said["y"], said["height_m"]])
    turn, nod = math.radians(said["azimuth_deg"]), math.radians(said["tilt_deg"])
    ahead = np.array([math.sin(turn) * math.cos(nod), math.cos(turn) * math.cos(nod), -math.sin(nod)])
    right = np.array([math.cos(turn), -math.sin(turn), 0.0])
    depth, aside, up = ((targets - eye) @ axis for axis in (ahead, right, np.cross(right, ahead)))
    wide, tall = (math.tan(math.radians(said[name] / 2)) for name in ("hfov_deg", "vfov_deg"))
    drawn = (depth > 0) & (np.abs(aside) <= depth * wide) & (np.abs(up) <= depth * tall) & (depth <= PIXELS / (2 * wide * DENSITY))
    drawn[drawn] = ~hidden(eye.tolist(), targets[drawn])
    return drawn


LAMPS = (
    (-18.0, -3.0, 6.0, 6000.0),
    (2.0, 5.5, 8.0, 9000.0),
    (24.0, 2.0, 5.0, 4000.0),
    (-17.0, -18.0, 4.0, 2500.0),
    (16.0, 6.0, 3.0, 1500.0),
)
SPEAKERS = ((-20.0, 24.0, 3.0, 82.0), (3.0, -4.0, 4.0, 84.0), (25.0, 25.0, 5.0, 86.0))
DISPLAYS = ((-6.0, 26.0, 3.5, 170.0, 4.0), (28.0, -5.0, 3.0, 280.0, 5.0), (-17.0, -14.5, 2.5, 180.0, 3.0))
HYDRANTS, HOSE_M = ((-27.0, 10.0), (26.0, -20.0)), 45.0
LEVEL_LX, MF = 5.0, 0.7


def sun(name: str, lumens: float) -> Photometry:
    """Brightness that is the same from everywhere below (Lambert)."""
    gamma = np.arange(0.0, 180.5, 0.5)
    row = np.where(gamma < 90, lumens / math.pi * np.cos(np.radians(gamma)), 0.0).tolist()
    return Photometry(name, name, lumens, None, [0.0, 360.0], gamma.tolist(), [row, row])


def lit(targets: FloatArray) -> NDArray[np.bool_]:
    total = np.zeros(len(targets))
    for x, y, height, lumens in LAMPS:
        off = targets - np.array([x, y, height])
        distance = np.linalg.norm(off, axis=1)
        cosine = -off[:, 2] / distance
        total += MF * lumens / math.pi * cosine * cosine / distance**2 * ~hidden((x, y, height), targets + np.array([0, 0, 0.1]))
    return total >= LEVEL_LX


def loud(targets: FloatArray) -> NDArray[np.bool_]:
    energy = np.zeros(len(targets))
    for x, y, height, level in SPEAKERS:
        distance = np.maximum(np.linalg.norm(targets - np.array([x, y, height]), axis=1), 1.0)
        energy += 10 ** (level / 10) / distance**2 * ~hidden((x, y, height), targets)
    return energy >= 10**6.0


def legible(targets: FloatArray) -> NDArray[np.bool_]:
    seen = np.zeros(len(targets), bool)
    for x, y, height, azimuth, pitch in DISPLAYS:
        off, turn = targets - np.array([x, y, height]), math.radians(azimuth)
        ahead, aside = off[:, 0] * math.sin(turn) + off[:, 1] * math.cos(turn), off[:, 0] * math.cos(turn) - off[:, 1] * math.sin(turn)
        with np.errstate(divide="ignore", invalid="ignore"):
            angles = np.abs(np.degrees(np.arctan2(aside, ahead))) <= 50
            up = np.degrees(np.arctan2(off[:, 2], ahead))
        near = (ahead > 0) & angles & (up <= 10) & (up >= -20) & (np.linalg.norm(off, axis=1) <= 5.52 * pitch)
        near[near] = ~hidden((x, y, height), targets[near])
        seen |= near
    return seen


def in_reach(targets: FloatArray) -> NDArray[np.bool_]:
    """Within HOSE_M of a hydrant on foot: by the graph of all corners of what is in the way that see each other."""
    ways = np.array([COURT, *CROSSED, REPLACED, BRIDGE[0], WALL.buffer(1e-4, cap_style="flat")], object)
    solid: Any = shapely.union_all(ways)
    shapely.prepare(solid)
    corners = [
        xy for xy in shapely.get_coordinates(solid.buffer(1e-3, join_style="mitre")).tolist() if not solid.contains(shapely.Point(xy))
    ]
    nodes = np.array([*HYDRANTS, *corners])
    pairs = np.array(list(combinations(range(len(nodes)), 2)))
    free = ~shapely.intersects(shapely.linestrings(np.stack([nodes[pairs[:, 0]], nodes[pairs[:, 1]]], axis=1)), solid)
    pairs = pairs[free]
    graph = csr_array((np.hypot(*(nodes[pairs[:, 0]] - nodes[pairs[:, 1]]).T), pairs.T.tolist()), shape=(len(nodes),) * 2)
    to_hydrant = np.min(dijkstra(graph, directed=False, indices=range(len(HYDRANTS))), axis=0)
    way = np.full(len(targets), np.inf)
    for node, start in zip(nodes, to_hydrant, strict=True):
        length = start + np.hypot(*(targets[:, :2] - node).T)
        better = np.flatnonzero((length < way) & (length <= HOSE_M))
        lines = shapely.linestrings(np.stack([targets[better, :2], np.broadcast_to(node, (len(better), 2))], axis=1))
        better = better[~shapely.intersects(solid, lines)]
        way[better] = length[better]
    return np.isfinite(way)


def devices(yard: Yard, kind: str) -> list[Device]:
    if kind == "camera":
        return [yard.device(f"c{k}", kind, pixels_w=PIXELS, pixels_h=1440, **said) for k, said in enumerate(CAMERAS)]
    if kind == "lamp":
        return [yard.device(f"l{k}", kind, x, y, height_m=h, lumens=lm, photometry=f"{lm:g}.ies") for k, (x, y, h, lm) in enumerate(LAMPS)]
    if kind == "speaker":
        return [yard.device(f"s{k}", kind, x, y, height_m=h, spl_1m_db=db, power_w=1.0) for k, (x, y, h, db) in enumerate(SPEAKERS)]
    if kind == "display":
        return [yard.device(f"d{k}", kind, x, y, height_m=h, azimuth_deg=a, pitch_mm=p) for k, (x, y, h, a, p) in enumerate(DISPLAYS)]
    return [yard.device(f"h{k}", kind, x, y) for k, (x, y) in enumerate(HYDRANTS)]


Truth = Callable[[FloatArray], NDArray[np.bool_]]
ASKED: Mapping[str, tuple[str, float, Mapping[str, Any], Truth]] = {
    "camera": ("camera_area_share", 1.5, {"density_px_per_m": DENSITY}, lambda p: np.any([filmed(each, p) for each in CAMERAS], axis=0)),
    "lamp": ("lighting_area_share", 0.0, {"level_lx": LEVEL_LX, "mf": MF}, lit),
    "speaker": ("broadcast_area_share", 1.5, {"ambient_db": 50, "margin_db": 10, "walls": "block"}, loud),
    "display": ("display_area_share", 1.6, {}, legible),
    "hydrant": ("hydrant_area_share", 0.0, {"reach_m": HOSE_M}, in_reach),
}


def asked(kind: str, folder: Path, yard: Yard, some: Sequence[Device] | None = None) -> Result:
    measure, _, given, _ = ASKED[kind]
    photometries = [sun(f"{lumens:g}.ies", lumens) for *_, lumens in LAMPS] if kind == "lamp" else []
    store = yard.store(folder, devices(yard, kind) if some is None else some, photometries)
    result = compute(store, measure, {"surface": "layer:yard", **given})
    store.close()
    return result


@pytest.mark.parametrize("kind", ASKED)
def test_bounds_hold_the_truth_among_odd_bodies_wherever_the_park_lies(kind: str, tmp_path: Path) -> None:
    _, height, _, truth = ASKED[kind]
    places = points(height)
    share = float(truth(places).mean())
    assert 0.05 < share < 0.95
    for k, yard in enumerate((Yard(), Yard(33.0, (210.0, -95.0)))):
        result = asked(kind, tmp_path / f"{k}", yard)
        assert result.denominator == pytest.approx(ground().area, rel=1e-6)
        assert result.lower is not None
        assert result.upper is not None
        assert result.lower - 1e-3 <= share <= result.upper + 1e-3, (result.lower, share, result.value, result.upper)
        assert result.value == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("kind", ASKED)
def test_one_device_more_never_covers_less_and_lost_is_what_goes_with_it(kind: str, tmp_path: Path) -> None:
    yard = Yard()
    every = devices(yard, kind)
    whole = asked(kind, tmp_path / "all", yard)
    told = {row["id"]: row for row in whole.devices}
    for k, device in enumerate(every):
        rest = asked(kind, tmp_path / f"{k}", yard, [*every[:k], *every[k + 1 :]])
        assert (rest.lower, rest.value, rest.upper) <= (whole.lower, whole.value, whole.upper)
        assert rest.lower <= whole.lower + 1e-9
        assert rest.upper <= whole.upper + 1e-9
        doubt = 1.0 + 0.5 * (whole.upper - whole.lower + rest.upper - rest.lower) * whole.denominator
        assert told[device.id]["lost"] == pytest.approx(whole.numerator - rest.numerator, abs=doubt)
