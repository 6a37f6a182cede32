"""What the camera measures share: devices read as views, the park as a scene, and what is kept between runs.

A camera's optics come from its table; what is missing is derived (field of view from focal length and sensor, the vertical one from the
shape of the image) or assumed (`twin.devices.DEFAULTS`), and counted as such. Where nobody knows which way a camera looks, it adds to
the upper bound alone.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import buildings
from twin.coverage.camera import ANY_WAY, FISHEYE, LADDERS, RECTILINEAR, WIDEST_LENS_RAD, Criteria, View
from twin.coverage.cells import grid
from twin.coverage.field import Field, arrange
from twin.coverage.look import Look, Sight, prepare
from twin.coverage.surface import Surface
from twin.devices import DEFAULTS, attribute, mounting_height, positions
from twin.measures.evidence import digest
from twin.model import Device
from twin.result import NOT_NEGATIVE, SEVERAL, STEP, Parameter
from twin.scene import Obstacles
from twin.scene.gather import flattened, gather_obstacles
from twin.scene.ground import ground_of
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]
_T = TypeVar("_T")

TALLEST_RAD = math.radians(179.0)  # vertical field of view beyond which an image has no finite plane
MODULE_RAD = math.radians(60.0)  # field of view of one of the images a wider one is put together from
WALL_M = 1.5  # a lens drawn this far inside a building hangs on its wall
USUAL_STEP_M = 1.0
CELLS_WANTED = 1_000_000  # without a step of its own, a surface is cut into about this many cells at most
PROUD_M = 0.05  # and this far in front of it
FISHEYE_RAD = math.radians(180.0)
METHOD = "certified cells: walls of shadow of visible edges, one ray a uniform block, undecided parts cut again"

SHARED_PARAMETERS = (
    Parameter(
        "density_px_per_m", 125.0, "px/m", "IEC 62676-4: Recognise (2014), Perceive (2025)", "Least pixel density on the target",
        "目标处的最低像素密度", between=NOT_NEGATIVE),
    Parameter("edition", "2025", "", "IEC 62676-4:2025 replaced the 2014 edition on 2025-10-09", "Edition whose level names are used",
              "采用的标准版本", tuple(LADDERS)),
    Parameter("target_height_m", 1.5, "m", "indicators.yaml: assumption", "Height of the target above ground or floor", "目标高度",
              between=NOT_NEGATIVE),
    Parameter("max_depression_deg", None, "deg", "none; DB31/T 329.1-2019 asks for 30", "Steepest line of sight below the horizon",
              "最大俯角", between=(0.0, 90.0)),
    Parameter("k", 1, "1", "assumption", "How many cameras must cover a place", "需要的摄像机数量", between=SEVERAL),
    Parameter("statuses", ["in_service"], "name", "indicators.yaml conventions", "Statuses that count", "计入的设备状态"),
    Parameter("step_m", None, "m", "1 m (indicators.yaml: assumption), doubled on very large surfaces",
              "Edge of a cell; cells are cut finer where it matters", "网格步长", between=STEP),
    Parameter("terrain", "auto", "", "the park's own terrain", "Ground as the terrain has it, or level", "地形", ("auto", "flat")),
)  # fmt: skip


@dataclass(frozen=True)
class Cameras:
    """The cameras that count, as views, and what has to be said about them."""

    devices: Sequence[Device]
    views: Sequence[View]
    assumed: Mapping[str, Sequence[str]]  # attribute -> ids of cameras for which it is assumed
    warnings: Sequence[Mapping[str, Any]]

    @property
    def defaulted_share(self) -> float | None:
        """The share of cameras that rest on an assumed attribute; None without cameras."""
        resting = {name for names in self.assumed.values() for name in names}
        return len(resting) / len(self.devices) if self.devices else None


@dataclass(frozen=True)
class Stage:
    """A park made ready for looking."""

    store: Store  # level where that was asked for
    obstacles: Obstacles
    sight: Sight
    sha256: str  # of the obstacles


def stage(store: Store, terrain: str) -> Stage:
    """The park with its obstacles prepared; kept for as long as these stay the same."""
    obstacles = gather_obstacles(store, terrain=terrain, sight=True)
    sha256 = _kept("digest", str(id(obstacles)), lambda: (obstacles, digest([obstacles])))[1]
    sight = _kept("sight", sha256, lambda: prepare(obstacles))
    return Stage(flattened(store) if terrain == "flat" else store, obstacles, sight, sha256)


def field_of(place: Stage, surface: Surface, asked_step: float | None, target_height: float) -> tuple[Field, str]:
    """The cells of a surface among the stage's obstacles, and a key for what depends on nothing else."""
    step = asked_step or USUAL_STEP_M
    while asked_step is None and surface.area / step**2 > CELLS_WANTED:
        step *= 2
    key = digest([surface, [piece.floor_z for piece in surface.pieces], step, target_height, place.sha256, _terrain_digest(place.store)])

    def make() -> Field:
        return arrange(grid(surface, step, target_height, ground_of(place.store)), place.sight.edges)

    return _kept("field", key, make), key


def remembered(key: str, criteria: Criteria) -> Callable[[View, Callable[[], Look]], Look]:
    """Memory for what views see of the field with that key: a camera that did not change is not looked through again."""
    return lambda view, compute: _kept("look", f"{key}{criteria}{replace(view, camera='')}", compute)


def criteria_of(asked: Mapping[str, Any]) -> Criteria:
    """The criteria that a request's parameters state."""
    steepest = asked["max_depression_deg"]
    return Criteria(asked["density_px_per_m"], None if steepest is None else math.radians(steepest))


def gather_cameras(store: Store, statuses: Sequence[str] | None) -> Cameras:
    """The park's cameras of some statuses (None: of any) as views, in the park's frame."""
    devices = [device for device in store.devices("camera") if statuses is None or device.status in statuses]
    places, hung, buried = _outside_walls(store, devices, positions(store, devices))
    views: list[View] = []
    assumed: dict[str, list[str]] = {}
    for device, place in zip(devices, places, strict=True):
        found, guessed = views_of(device, (float(place[0]), float(place[1]), float(place[2])))
        views += found
        for name in guessed:
            assumed.setdefault(name, []).append(device.id)
    blind = [view.camera for view in views if view.lens == ANY_WAY]
    warnings = [
        *([{"code": "no_devices", "subject": "camera"}] if not devices else []),
        *_noted("camera_direction_missing", blind),
        *({**note, "attribute": name} for name, ids in sorted(assumed.items()) for note in _noted("camera_assumed", ids)),
        *_noted("camera_on_wall", hung),
        *_noted("camera_inside_building", buried),
    ]
    return Cameras(devices, views, assumed, warnings)


def views_of(device: Device, position: tuple[float, float, float]) -> tuple[list[View], list[str]]:
    """The aims of a camera at a position [m, enu], and the names of the attributes that had to be assumed."""
    kind = str(device.attributes.get("ptz") or "fixed")
    guessed = ["height_m"] if device.z_m is None and mounting_height(device)[1] else []
    if kind == "fisheye":
        view, more = _fisheye(device, position)
        return [view], [*guessed, *more]
    presets = _presets(device.attributes.get("presets"))
    aims = [dict(device.attributes) | preset for preset in presets] if kind in {"ptz", "multi"} and presets else [dict(device.attributes)]
    views: list[View] = []
    for aim in aims:
        found, more = _rectilinear(replace(device, attributes=aim), position)
        views += found
        guessed += [name for name in more if name not in guessed]
    return views, guessed


def _rectilinear(device: Device, position: tuple[float, float, float]) -> tuple[list[View], list[str]]:
    guessed: list[str] = []

    def value(name: str) -> float:
        found, is_assumed = attribute(device, name)
        if is_assumed:
            guessed.append(name)
        return float(found)

    hfov = _angle(device, "hfov_deg", "sensor_w_mm")
    hfov = math.radians(value("hfov_deg")) if hfov is None else hfov
    vfov = _angle(device, "vfov_deg", "sensor_h_mm")
    pixels_w = value("pixels_w")
    shape = _shape(device, value) if vfov is None else 1.0
    azimuth, reach = _number(device, "azimuth_deg"), _number(device, "range_m")
    tilt = math.radians(value("tilt_deg"))
    modules = math.ceil(hfov / MODULE_RAD) if hfov > WIDEST_LENS_RAD else 1
    width, pixels = hfov / modules, pixels_w / modules
    if vfov is None:
        vfov = 2 * math.atan(math.tan(width / 2) * shape * (pixels_w / pixels))
    whole_circle = hfov >= 2 * math.pi - 1e-6
    lens = ANY_WAY if azimuth is None and not whole_circle else RECTILINEAR
    middle = math.radians(azimuth or 0.0)
    turns = [middle - hfov / 2 + width * (i + 0.5) for i in range(modules)]
    limit = math.inf if reach is None else reach
    vfov = min(vfov, TALLEST_RAD)
    return [View(device.id, position, lens, turn, tilt, width, vfov, pixels, limit) for turn in turns], guessed


def _shape(device: Device, value: Callable[[str], float]) -> float:
    """Height over width of a camera's image; where one side is not known, the usual shape, whatever the other side is."""
    wide, high = value("pixels_w"), value("pixels_h")
    if _number(device, "pixels_w") is None or _number(device, "pixels_h") is None:
        usual = DEFAULTS["camera"]
        return float(usual["pixels_h"].value) / float(usual["pixels_w"].value)
    return high / wide


def _fisheye(device: Device, position: tuple[float, float, float]) -> tuple[View, list[str]]:
    """A fisheye lens; it looks straight down unless its table says otherwise."""
    guessed: list[str] = []
    pixels = [_number(device, name) for name in ("pixels_w", "pixels_h")]
    known = [side for side in pixels if side is not None]
    if not known:
        guessed.append("pixels_w")
        known = [float(attribute(device, name)[0]) for name in ("pixels_w", "pixels_h")]
    tilt, own = _number(device, "tilt_deg"), _number(device, "hfov_deg")
    if own is None:
        guessed.append("hfov_deg")
    angle = min(math.radians(own), FISHEYE_RAD) if own else FISHEYE_RAD
    reach = _number(device, "range_m")
    return View(
        device.id, position, FISHEYE, math.radians(_number(device, "azimuth_deg") or 0.0), math.radians(90.0 if tilt is None else tilt),
        angle, angle, min(known), math.inf if reach is None else reach,
    ), guessed  # fmt: skip


def _angle(device: Device, name: str, sensor: str) -> float | None:
    """A field of view [rad] as given, or from the focal length and the sensor's side; None where neither is known."""
    own, focal, side = _number(device, name), _number(device, "focal_mm"), _number(device, sensor)
    if own is not None:
        return math.radians(own)
    return 2 * math.atan(side / (2 * focal)) if focal and side else None


def _number(device: Device, name: str) -> float | None:
    try:
        return float(device.attributes[name])
    except (KeyError, TypeError, ValueError):
        return None


def _presets(value: Any) -> list[dict[str, Any]]:
    """Presets as a list of attributes each; text is read as JSON, and `90;180` as azimuths."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [part.strip() for part in value.replace(",", ";").split(";") if part.strip()]
    rows = value if isinstance(value, list | tuple) else [value] if value else []
    return [dict(row) if isinstance(row, Mapping) else {"azimuth_deg": row} for row in rows]


def _outside_walls(store: Store, devices: Sequence[Device], places: FloatArray) -> tuple[FloatArray, list[str], list[str]]:
    """Lenses drawn just inside a building that is known by its outline alone, hung on the outside of its wall.

    Returns
    -------
    The places (n, 3) [m, enu], the ids of the cameras that were hung, and of those that stay inside.
    """
    standing = [building for building in buildings(store) if not building.model_ids] if devices else []
    if not standing:
        return places, [], []
    frame = store.park().frame
    outlines = frame.project(np.array([shapely.force_2d(building.footprint) for building in standing], object))
    tops = [building.base_h_m + building.height_m for building in standing]
    tree = shapely.STRtree(outlines)
    points = np.array([shapely.Point(x, y) for x, y in places[:, :2].tolist()], object)
    out, hung, buried = places.copy(), list[str](), list[str]()
    for i, j in tree.query(points, predicate="within").T.tolist():
        top = float(z_of_height(frame, places[i : i + 1, :2], [tops[j]])[0])
        if devices[i].storey_id or devices[i].space_id or places[i, 2] >= top:
            continue
        edge = shapely.get_coordinates(shapely.shortest_line(outlines[j].boundary, points[i]))[0]
        inward = places[i, :2] - edge
        depth = float(np.hypot(*inward))
        proud = edge - inward / depth * PROUD_M if depth > 1e-9 else edge
        if depth > WALL_M or len(tree.query(shapely.Point(proud), predicate="within")):
            buried.append(devices[i].id)
        else:
            out[i, :2] = proud
            hung.append(devices[i].id)
    return out, hung, buried


def _noted(code: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(ids))
    return (
        [{"code": code, "subject": ", ".join(names[:5]) + (" …" if len(names) > 5 else ""), "count": len(names), "ids": names}]
        if names
        else []
    )


def _terrain_digest(store: Store) -> str:
    terrain = store.terrain()
    grids = () if terrain is None else (terrain, *terrain.detail)
    return digest([part for each in grids for part in (each.heights, [each.x0_m, each.y0_m, each.step_m])]) if grids else ""


_MOST: Mapping[str, int] = {"digest": 4, "sight": 2, "field": 4, "look": 1000}
_memory: dict[str, OrderedDict[str, Any]] = {what: OrderedDict() for what in _MOST}
_lock = Lock()


def _kept(what: str, key: str, make: Callable[[], _T]) -> _T:
    """What was made before under the key, or is made now; the least used is forgotten."""
    with _lock:
        if key in _memory[what]:
            _memory[what].move_to_end(key)
            return _memory[what][key]
    made = make()
    with _lock:
        _memory[what][key] = made
        while len(_memory[what]) > _MOST[what]:
            _memory[what].popitem(last=False)
    return made
