"""What the camera measures share: devices read as views, the park as a scene, and what is kept between runs.

A camera's optics come from its table (`twin.measures.views`); what is missing is derived or assumed, and counted as such. Where nobody
knows which way a camera looks, it adds to the upper bound alone.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import buildings
from twin.coverage.camera import Criteria, View
from twin.coverage.cells import grid
from twin.coverage.edges import edges_of
from twin.coverage.field import Field, arrange
from twin.coverage.inview import ANY_WAY
from twin.coverage.levels import LADDERS, LEVELS, TARGETS, density_of
from twin.coverage.look import Sight, with_best
from twin.coverage.surface import Surface
from twin.coverage.visibility import Remember, Seen
from twin.coverage.within import inside_solids
from twin.devices import positions
from twin.errors import UnknownParameter
from twin.measures.evidence import digest
from twin.measures.placed import mended
from twin.measures.views import MODES, Reading, views_of
from twin.model import Device
from twin.result import NOT_NEGATIVE, SEVERAL, STEP, Parameter
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import flattened, gather_obstacles
from twin.scene.ground import ground_of
from twin.scene.state import CLEAR, CLOSED, OPAQUE, OPEN, UNKNOWN, State, States, states
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]
_T = TypeVar("_T")
_Standing = tuple[Any, list[float], Any]  # shapely outlines (n,), tops (n,), index

WALL_M = 1.5  # a lens drawn this far inside a building hangs on its wall
BODIES = ("wall", "slab", "roof", "column")  # of models, that a lens cannot be inside of
PROUD_M = 0.05  # and this far in front of it
USUAL_STEP_M = 1.0
CELLS_WANTED = 1_000_000  # without a step of its own, a surface is cut into about this many cells at most
FEET_M, HEAD_M = 0.1, 1.7  # a body is seen as a whole where both of these are
METHOD = "certified cells: walls of shadow of visible edges, one ray a uniform block, undecided parts cut again"
SHADOWS = "exact shadow polygons where every camera in reach draws them on level ground or floors; elsewhere "
TOWARDS_CAMERA, ANY_FACING = "camera", "unknown"

SHARED_PARAMETERS = (
    Parameter(
        "density_px_per_m", 125.0, "px/m", "IEC 62676-4: Recognise (2014), Perceive (2025)", "Least pixel density on the target",
        "目标处的最低像素密度", between=NOT_NEGATIVE),
    Parameter("level", None, "name", "IEC 62676-4, GA/T 1127-2013, GB/T 35678-2017; none: density_px_per_m",
              "Level or thing to be made out, in place of a density", "以等级或目标名称代替像素密度", LEVELS),
    Parameter("target_px", None, "px", "the level's own: face 40 px, eyes 30 px, plate 100 px",
              "Pixels across a face, between eyes, across a plate", "人脸、瞳距或车牌所需像素", between=(1.0, 1e5)),
    Parameter("edition", "2025", "", "IEC 62676-4:2025 replaced the 2014 edition on 2025-10-09", "Edition whose level names are used",
              "采用的标准版本", tuple(LADDERS)),
    Parameter("target_height_m", 1.5, "m", "indicators.yaml: assumption", "Height of the target above ground or floor", "目标高度",
              between=NOT_NEGATIVE),
    Parameter("heights_m", [], "m", "none: target_height_m holds", "Heights that one camera must see at once, in place of target_height_m",
              "同一摄像机需同时看到的多个高度（代替目标高度）"),
    Parameter("body", "point", "", "whole: feet and head both seen, 0.1 m and 1.7 m",
              "Whether a point or a whole standing body must be seen", "要求看到一点或整个人体", ("point", "whole")),
    Parameter("foreshortened", False, "", "assumption: the density is asked for across a target alone",
              "The density must be reached along the height of a standing target too", "站立目标竖直方向的像素密度也须达到要求"),
    Parameter("facing", TOWARDS_CAMERA, "name", "IEC 62676-4: the test target faces the camera",
              "The way faces or plates look: camera, unknown, or degrees clockwise from north",
              "人脸或车牌朝向：camera、unknown 或方位角（度）"),
    Parameter("max_yaw_deg", None, "deg", "none; DB31/T 329.1-2019 asks for 45",
              "How far such a target may be turned away", "最大水平偏转角",
              between=(0.0, 90.0)),
    Parameter("max_depression_deg", None, "deg", "none; DB31/T 329.1-2019 asks for 30", "Steepest line of sight below the horizon",
              "最大俯角", between=(0.0, 90.0)),
    Parameter("ptz", "presets", "", "only what presets look at is covered continuously",
              "Which aims of cameras that turn count", "云台摄像机的计入方式",
              MODES),
    Parameter("light", "day", "", "assumption", "By day, or by the cameras' own light at night",
              "白天或夜间（红外补光）", ("day", "night")),
    Parameter("doors", UNKNOWN, "", "unknown: closed, and open for the upper bound", "State of doors", "门的状态", (UNKNOWN, CLOSED, OPEN)),
    Parameter("vegetation", UNKNOWN, "", "unknown: opaque, and clear for the upper bound",
              "Whether leaves hide what is behind them", "植被遮挡状态",
              (UNKNOWN, OPAQUE, CLEAR)),
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
    places: FloatArray  # (n, 3) of their lenses [m, enu]
    views: Sequence[View]
    assumed: Mapping[str, Sequence[str]]  # attribute -> ids of cameras for which it is assumed
    doubts: Mapping[str, Sequence[str]]  # what opens the bounds -> ids of cameras
    warnings: Sequence[Mapping[str, Any]]

    @property
    def resting(self) -> frozenset[str]:
        """The ids of cameras that rest on an assumed attribute."""
        return frozenset(name for names in self.assumed.values() for name in names)

    @property
    def defaulted_share(self) -> float | None:
        """The share of cameras that rest on an assumed attribute; None without cameras."""
        return len(self.resting) / len(self.devices) if self.devices else None


@dataclass(frozen=True)
class Stage:
    """A park made ready for looking."""

    store: Store  # level where that was asked for
    obstacles: Obstacles  # as they are by best knowledge
    sight: Sight  # of these, and with least in the way where that differs
    sha256: str  # of the obstacles, and of what is left of them at best
    standing: str  # hash of the obstacles alone


def stage(store: Store, terrain: str, among: States | None = None) -> Stage:
    """The park with its obstacles prepared; kept for as long as these stay the same."""
    asked = among or states(CLOSED, OPAQUE)
    obstacles = gather_obstacles(store, terrain=terrain, sight=True, state=asked.value)
    open_ = obstacles if asked.is_certain else gather_obstacles(store, terrain=terrain, sight=True, state=asked.best)
    distinct = [obstacles] if open_ is obstacles else [obstacles, open_]
    for each in distinct:
        _scene(each)  # one after the other: they have most of their pieces in common
    with ThreadPoolExecutor(2) as pool:
        (known, standing), *others = pool.map(_prepared, distinct)
    sight, sha256 = known, standing
    for best, other in others:
        sha256 = digest([standing, other])
        sight = _kept("sight", sha256, partial(with_best, known, best))
    return Stage(flattened(store) if terrain == "flat" else store, obstacles, sight, sha256, standing)


def _prepared(obstacles: Obstacles) -> tuple[Sight, str]:
    """Obstacles ready for looking, and their hash."""
    sha256 = _kept("digest", str(id(obstacles)), lambda: (obstacles, digest([obstacles])))[1]
    return _kept("sight", sha256, lambda: Sight(_scene(obstacles), edges_of(obstacles))), sha256


def _scene(obstacles: Obstacles) -> Scene:
    return _kept("scene", str(id(obstacles)), lambda: (obstacles, Scene(obstacles)))[1]


def sight_among(store: Store, terrain: str, state: State) -> Sight:
    """What is in the way in one state of doors and vegetation."""
    return _prepared(gather_obstacles(store, terrain=terrain, sight=True, state=state))[0]


def scene_among(store: Store, terrain: str, state: State) -> Scene:
    """The same for rays alone."""
    return _scene(gather_obstacles(store, terrain=terrain, sight=True, state=state))


def field_of(place: Stage, surface: Surface, asked_step: float | None, target_height: float) -> tuple[Field, str]:
    """The cells of a surface among the stage's obstacles, and a key for what depends on nothing else."""
    step = asked_step or USUAL_STEP_M
    while asked_step is None and surface.area / step**2 > CELLS_WANTED:
        step *= 2
    ground = [str(place.store.park().frame), _terrain_digest(place.store)]
    key = digest([surface, [piece.floor_z for piece in surface.pieces], step, target_height, place.standing, ground])

    def make() -> Field:
        return arrange(grid(surface, step, target_height, ground_of(place.store)), place.sight.edges)

    return _kept("field", key, make), key


def remembered(key: str, criteria: Criteria, best: str = "") -> Remember:
    """Memory for what views see of the field with that key: a camera that did not change is not looked through again.

    `best` names the obstacles with least in the way, where the key does not.
    """

    def remember(view: View, is_best: bool, compute: Callable[[], Seen]) -> Seen:
        return _kept("look", f"{key}{criteria}{is_best}{best if is_best else ''}{replace(view, camera='')}", compute)

    return remember


def criteria_of(asked: Mapping[str, Any]) -> Criteria:
    """The criteria that a request's parameters state."""
    level: str | None = asked["level"]
    density = float(asked["density_px_per_m"])
    upright = asked["foreshortened"]
    if level is not None:
        density = density_of(level, asked["edition"], asked["target_px"])
    if level is not None and level in TARGETS and TARGETS[level].is_upright:
        across, along = 0.0, density
    else:
        across, along = density, density if upright else 0.0
    steepest, yaw = asked["max_depression_deg"], asked["max_yaw_deg"]
    return Criteria(
        across, None if steepest is None else math.radians(steepest), along, facing_of(asked), None if yaw is None else math.radians(yaw)
    )


def facing_of(asked: Mapping[str, Any]) -> float | None:
    """The way targets face, clockwise from north [rad]; None where they face the camera, or nobody knows.

    Raises
    ------
    UnknownParameter
        If it is neither a word that is known nor a number of degrees.
    """
    said = str(asked["facing"]).strip().lower()
    if said in {TOWARDS_CAMERA, ANY_FACING}:
        return None
    try:
        degrees = float(said)
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise UnknownParameter(
            "parameter_value", subject="facing", value=asked["facing"], allowed=f"{TOWARDS_CAMERA}, {ANY_FACING}, 0 … 360"
        )
    return math.radians(degrees)


def heights_of(asked: Mapping[str, Any]) -> list[float]:
    """The heights above ground or floor at which a camera must see a target, the one that is reported first. [m]

    Raises
    ------
    UnknownParameter
        If one of them is not a height.
    """
    if asked["body"] == "whole":
        return [HEAD_M, FEET_M]
    try:
        said = [float(part) for part in asked["heights_m"]]
    except ValueError:
        said = [math.nan]
    if any(not 0 <= height < math.inf for height in said):
        raise UnknownParameter("parameter_value", subject="heights_m", value=", ".join(map(str, asked["heights_m"])), allowed="≥ 0 m")
    return sorted(set(said), reverse=True) or [float(asked["target_height_m"])]


def reading_of(asked: Mapping[str, Any], doubts: frozenset[str] | None = None) -> Reading:
    """How cameras are to be read for a request."""
    return Reading(asked["ptz"], asked["light"], doubts)


def states_of(asked: Mapping[str, Any]) -> States:
    """The states of doors and vegetation that a request asks about."""
    return states(asked["doors"], asked["vegetation"])


def gather_cameras(store: Store, statuses: Sequence[str] | None, reading: Reading | None = None) -> Cameras:
    """The park's cameras of some statuses (None: of any) as views, in the park's frame."""
    chosen = [mended(device) for device in store.devices("camera") if statuses is None or device.status in statuses]
    lost = [device.id for device in chosen if not (math.isfinite(device.lon) and math.isfinite(device.lat))]
    devices = [device for device in chosen if device.id not in set(lost)]
    places, hung, buried = _outside_walls(store, devices, positions(store, devices))
    views, assumed, doubts, wrong = read_views(devices, places, reading)
    blind = [view.camera for view in views if view.lens == ANY_WAY]
    warnings = [
        *([{"code": "no_devices", "subject": "camera"}] if not devices else []),
        *_noted("camera_place_missing", lost),
        *_noted("camera_direction_missing", blind),
        *({**note, "attribute": name} for name, ids in sorted(wrong.items()) for note in _noted("camera_wrong", ids)),
        *({**note, "attribute": name} for name, ids in sorted(assumed.items()) for note in _noted("camera_assumed", ids)),
        *_noted("camera_on_wall", hung),
        *_noted("camera_inside_building", buried),
    ]
    return Cameras(devices, places, views, assumed, doubts, warnings)


def in_bodies(place: Stage, cameras: Cameras) -> list[dict[str, Any]]:
    """The warning that lenses are inside a wall or another solid body of a model; nothing where none is."""
    among = place.obstacles
    is_solid = np.isin(np.array(among.object_kind, str), BODIES)
    found = inside_solids(place.sight.scene, (among.vertices, among.faces, among.face_object), is_solid, cameras.places)
    return _noted("camera_in_body", [device.id for device, body in zip(cameras.devices, found.tolist(), strict=True) if body >= 0])


def read_views(
    devices: Sequence[Device], places: FloatArray, reading: Reading | None = None
) -> tuple[list[View], dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]:
    """The views of cameras at places (n, 3) [m, enu]; what is assumed, in doubt and wrong, with the ids of the cameras."""
    views: list[View] = []
    assumed, doubts, wrong = dict[str, list[str]](), dict[str, list[str]](), dict[str, list[str]]()
    for device, place in zip(devices, places, strict=True):
        found = views_of(device, (float(place[0]), float(place[1]), float(place[2])), reading)
        views += found.views
        for table, names in ((assumed, found.assumed), (doubts, sorted(found.doubts)), (wrong, found.wrong)):
            for name in names:
                table.setdefault(name, []).append(device.id)
    return views, assumed, doubts, wrong


def _outside_walls(store: Store, devices: Sequence[Device], places: FloatArray) -> tuple[FloatArray, list[str], list[str]]:
    """Lenses drawn just inside a building that is known by its outline alone, hung on the outside of its wall.

    Returns
    -------
    The places (n, 3) [m, enu], the ids of the cameras that were hung, and of those that stay inside.
    """
    outlines, tops, tree = _standing(store)
    if not len(outlines) or not devices:
        return places, [], []
    frame = store.park().frame
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


def _standing(store: Store) -> _Standing:
    """The outlines of buildings known by these alone [m, enu], their tops [m, park datum] and an index; kept for a revision."""

    def make() -> _Standing:
        standing = [building for building in buildings(store) if not building.model_ids]
        shapes = np.array([shapely.force_2d(building.footprint) for building in standing], object)
        outlines = store.park().frame.project(shapes) if standing else shapes
        return outlines, [building.base_h_m + building.height_m for building in standing], shapely.STRtree(outlines)

    return _kept("standing", f"{store.path} {store.revision()} {store.terrain() is None}", make)


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


_MOST: Mapping[str, int] = {"digest": 8, "sight": 6, "scene": 4, "field": 8, "look": 4000, "standing": 4}
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
