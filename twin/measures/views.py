"""Cameras read as views: what their tables say, what is derived from it, what has to be assumed, and how much that leaves open.

Where a table is silent, the field of view follows from focal length and sensor, the vertical one from the shape of the image; what does
not follow is assumed (`twin.devices.DEFAULTS`), and every value within ROOM of what is assumed makes the bounds. A value that cannot be -
text for a number, a negative angle, no pixels - counts as missing and is named.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from twin.coverage.camera import LEAST, MOST, WIDEST_LENS_RAD, Reachable, Slack, View, depth_of_field
from twin.coverage.inview import ANY_WAY, FISHEYE, REACHABLE, RECTILINEAR
from twin.devices import DEFAULTS, mounting_height
from twin.model import Device

TALLEST_RAD = math.radians(179.0)  # vertical field of view beyond which an image has no finite plane
MODULE_RAD = math.radians(60.0)  # field of view of one of the images a wider one is put together from
FISHEYE_DEG = 180.0
STRAIGHT_DOWN_DEG = 0.5  # a fisheye this near to the vertical sees the same whichever way its table says it looks
FAR_FOCUS_M = 1e5  # focused on this or farther: on infinity
KINDS = ("fixed", "ptz", "fisheye", "multi")
MODES = ("presets", "now", "reachable")

# what may be, where an attribute is assumed: least and greatest; of height and tilt, how far either way
ROOM: Mapping[str, tuple[float, float]] = {
    "hfov_deg": (60.0, 110.0), "tilt_deg": (-15.0, 15.0), "height_m": (-1.5, 1.5), "pixels_w": (1280.0, 3840.0),
    "shape": (9 / 16, 3 / 4), "zoom": (1.0, 40.0), "fisheye_deg": (160.0, 190.0), "circle_px": (720.0, 2160.0),
}  # fmt: skip
# what a value can be at all
POSSIBLE: Mapping[str, tuple[float, float]] = {
    "azimuth_deg": (-1e4, 1e4), "tilt_deg": (-90.0, 90.0), "hfov_deg": (0.1, 360.0), "vfov_deg": (0.1, 180.0), "focal_mm": (0.1, 1e4),
    "sensor_w_mm": (0.1, 200.0), "sensor_h_mm": (0.1, 200.0), "pixels_w": (1.0, 1e6), "pixels_h": (1.0, 1e6), "range_m": (1e-3, 1e6),
    "ir_range_m": (0.0, 1e6), "ir_beam_deg": (0.1, 360.0), "aperture": (0.1, 100.0), "focus_m": (1e-3, math.inf), "coc_mm": (1e-5, 1.0),
    "pixel_pitch_um": (0.1, 100.0), "position_tolerance_m": (0.0, 1e3), "azimuth_tolerance_deg": (0.0, 180.0),
    "tilt_tolerance_deg": (0.0, 90.0), "pan_min_deg": (-1e4, 1e4), "pan_max_deg": (-1e4, 1e4), "tilt_min_deg": (-90.0, 90.0),
    "tilt_max_deg": (-90.0, 90.0), "hfov_min_deg": (0.1, 150.0), "hfov_max_deg": (0.1, 150.0), "zoom": (1.0, 1e3),
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How cameras are to be read: which aims of one that turns count, by what light, and which doubts count (None: all)."""

    ptz: str = "presets"
    light: str = "day"
    doubts: frozenset[str] | None = None


@dataclass(frozen=True)
class Read:
    """A camera's views, the attributes that had to be assumed, those that cannot be right, and what opens its bounds."""

    views: Sequence[View]
    assumed: Sequence[str]
    wrong: Sequence[str]
    doubts: frozenset[str]


class Known(NamedTuple):
    """A number by best knowledge, and the least and greatest that it may be."""

    value: float
    low: float
    high: float


@dataclass
class _Table:
    """One device's table, and what reading it brings to light."""

    device: Device
    reading: Reading
    assumed: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    doubts: set[str] = field(default_factory=set[str])

    def number(self, name: str) -> float | None:
        """An attribute as a number; None where it is missing or cannot be."""
        raw = self.device.attributes.get(name)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return None
        low, high = POSSIBLE[name]
        try:
            value = math.nan if isinstance(raw, bool) else float(raw)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if low <= value <= high:
            return value
        _once(self.wrong, name)
        return None

    def usual(self, name: str) -> float:
        """What is assumed for an attribute."""
        _once(self.assumed, name)
        return float(DEFAULTS["camera"][name].value)

    def open(self, source: str) -> bool:
        """Note that something is in doubt; whether that counts."""
        self.doubts.add(source)
        return self.reading.doubts is None or source in self.reading.doubts

    def between(self, name: str, value: float, low: float, high: float) -> Known:
        """A number that is in doubt."""
        return Known(value, min(low, value), max(high, value)) if self.open(name) else Known(value, value, value)


class _Optics(NamedTuple):
    """What an aim resolves, whatever way it looks."""

    hfov: Known  # [rad]
    vfov: Known  # [rad]
    focal: Known  # [px]
    squeeze: float


class _Widest(NamedTuple):
    """What a camera that can be turned may see at most: the focal length of its finest picture, and how far off its aim it sees."""

    focal_px: float
    reachable: Reachable


def views_of(device: Device, position: tuple[float, float, float], reading: Reading | None = None) -> Read:
    """The aims of a camera at a position [m, enu], with all that is in doubt."""
    table = _Table(device, reading or Reading())
    kind = str(device.attributes.get("ptz") or "fixed").strip().lower()
    if kind not in KINDS:
        table.wrong.append("ptz")
        kind = "fixed"
    if device.z_m is None and mounting_height(device)[1]:
        _once(table.assumed, "height_m")
    views: list[View] = []
    for aim in _aims(table, kind):
        table.device = replace(device, attributes=aim)
        views += _fisheye(table, position) if kind == "fisheye" else _one_aim(table, kind, position)
    return Read(views, table.assumed, table.wrong, frozenset(table.doubts))


def _aims(table: _Table, kind: str) -> list[dict[str, Any]]:
    """The attributes of each aim that counts: presets of what turns, heads of what has several, or the device's own."""
    own = dict(table.device.attributes)
    counts = kind == "multi" or (kind == "ptz" and table.reading.ptz == "presets")
    presets = _presets(own.get("presets")) if counts else []
    told = [preset for preset in presets if any(name in POSSIBLE for name in preset)]
    if len(told) < len(presets):
        _once(table.wrong, "presets")
    return [own | preset for preset in told] or [own]


def _one_aim(table: _Table, kind: str, position: tuple[float, float, float]) -> list[View]:
    optics = _rectilinear(table)
    if kind == "ptz" and table.reading.ptz == "reachable":
        view, widest = _turning(table, optics, position)
        return [_settled(table, view, optics, widest)]
    azimuth = table.number("azimuth_deg")
    tilt, nod = _tilt(table)
    if azimuth is None and optics.hfov.value < 2 * math.pi - 1e-6:
        return _any_way(table, optics, position)
    modules = math.ceil(optics.hfov.value / MODULE_RAD) if optics.hfov.value > WIDEST_LENS_RAD else 1
    width = optics.hfov.value / modules
    if modules > 1:
        focal = optics.focal.value
        optics = _Optics(
            Known(width, width, width), _capped(optics.vfov), Known(focal, optics.focal.low, optics.focal.high), optics.squeeze
        )
    middle = math.radians(azimuth or 0.0)
    turns = [middle - width * modules / 2 + width * (i + 0.5) for i in range(modules)]
    return [
        _settled(
            table, View(
                table.device.id, position, RECTILINEAR, turn, tilt, width, _capped(optics.vfov).value, focal_px=optics.focal.value,
                squeeze=optics.squeeze, focus_m=_focus(table), slack=Slack(tilt_rad=nod),
            ), optics,
        )
        for turn in turns
    ]  # fmt: skip


def _rectilinear(table: _Table) -> _Optics:
    """Fields of view and focal length, from the table or assumed."""
    hfov = _angle(table, "hfov_deg", "sensor_w_mm")
    wide = Known(hfov, hfov, hfov) if hfov is not None else _assumed_angle(table)
    across = table.number("pixels_w")
    pixels = Known(across, across, across) if across is not None else table.between("pixels_w", table.usual("pixels_w"), *ROOM["pixels_w"])
    # a picture put together from several counts its pixels along the arc, module by module
    modules = math.ceil(wide.value / MODULE_RAD) if wide.value > WIDEST_LENS_RAD else 1
    focal = Known(*(p / modules / (2 * math.tan(h / modules / 2)) for p, h in zip(pixels, (wide[0], wide[2], wide[1]), strict=True)))
    own = _angle(table, "vfov_deg", "sensor_h_mm")
    high = table.number("pixels_h")
    if own is not None:
        tall = Known(own, own, own)
        squeeze = high / (2 * math.tan(min(own, TALLEST_RAD) / 2)) / focal.value if high is not None and across is not None else 1.0
        return _Optics(wide, _capped(tall), focal, squeeze)
    shape = _shape(table, across, high)
    tall = Known(*(2 * math.atan(math.tan(h / modules / 2) * s * modules) for h, s in zip(wide, shape, strict=True)))
    return _Optics(wide, _capped(tall), focal, 1.0)


def _assumed_angle(table: _Table) -> Known:
    known = table.between("hfov_deg", table.usual("hfov_deg"), *ROOM["hfov_deg"])
    return Known(*(math.radians(value) for value in known))


def _shape(table: _Table, across: float | None, high: float | None) -> Known:
    """Height over width of the image; where one side is not known, the usual shape, whatever the other side is."""
    if across is not None and high is not None:
        return Known(high / across, high / across, high / across)
    if high is None:
        table.usual("pixels_h")
    usual = DEFAULTS["camera"]
    return table.between("pixels_h", float(usual["pixels_h"].value) / float(usual["pixels_w"].value), *ROOM["shape"])


def _tilt(table: _Table) -> tuple[float, float]:
    """The tilt, and how far it may be off. [rad]"""
    own = table.number("tilt_deg")
    if own is not None:
        return math.radians(own), 0.0
    usual = table.usual("tilt_deg")
    return math.radians(usual), math.radians(ROOM["tilt_deg"][1]) if table.open("tilt_deg") else 0.0


def _any_way(table: _Table, optics: _Optics, position: tuple[float, float, float]) -> list[View]:
    """A camera that nobody knows the direction of: it may see all round, as far as its picture can reach in any direction."""
    if not table.open("direction"):
        return []
    corner = math.hypot(math.tan(min(optics.hfov.high, WIDEST_LENS_RAD) / 2), math.tan(optics.vfov.high / 2))
    view = View(table.device.id, position, ANY_WAY, hfov_rad=2 * math.atan(corner), vfov_rad=1e-9, focal_px=optics.focal.high)
    lit = _lit(table, view)
    return [replace(lit if lit.most is None else lit.most, sign=MOST, slack=_slack(table, Slack()), least=None, most=None)]


def _turning(table: _Table, optics: _Optics, position: tuple[float, float, float]) -> tuple[View, _Widest]:
    """A camera wherever it can be turned; its narrowest picture shows the target in the middle."""
    low, high = table.number("pan_min_deg"), table.number("pan_max_deg")
    arc = 360.0 if low is None or high is None else (high - low) % 360.0 or 360.0
    middle = 0.0 if low is None or high is None else low + arc / 2
    bottom, top = table.number("tilt_min_deg"), table.number("tilt_max_deg")
    narrow, zoom, wide = table.number("hfov_min_deg"), table.number("zoom"), table.number("hfov_max_deg")
    broad = min(optics.hfov.high if wide is None else max(math.radians(wide), optics.hfov.high), WIDEST_LENS_RAD)
    half = math.tan(optics.hfov.value / 2)
    tele = half if narrow is None else min(half, math.tan(math.radians(narrow) / 2))
    if narrow is None and zoom is not None:
        tele = math.tan(broad / 2) / zoom
    finest = tele
    if narrow is None and zoom is None and table.open("zoom"):
        finest = math.tan(optics.hfov.low / 2) / ROOM["zoom"][1]
    shape = math.tan(optics.vfov.value / 2) / half
    turned = Reachable(
        math.radians(arc / 2), math.radians(0.0 if bottom is None else bottom), math.radians(90.0 if top is None else top)
    )  # fmt: skip
    view = View(
        table.device.id, position, REACHABLE, math.radians(middle), focal_px=optics.focal.value * half / tele, squeeze=optics.squeeze,
        reachable=turned,
    )  # fmt: skip
    # in the corner of a picture the depth is less than the distance: no zoom shows more than this
    focal = optics.focal.high * math.tan(optics.hfov.low / 2) * math.sqrt(1 / finest**2 + 1 + shape**2)
    spread = math.atan(math.tan(broad / 2) * math.hypot(1.0, shape))
    return view, _Widest(focal, replace(turned, spread_rad=spread))


def _fisheye(table: _Table, position: tuple[float, float, float]) -> list[View]:
    """A fisheye lens; it looks straight down from a ceiling, level from a wall, unless its table says otherwise."""
    sides = [side for side in (table.number("pixels_w"), table.number("pixels_h")) if side is not None]
    if sides:
        circle = Known(min(sides), min(sides), min(sides))
    else:
        usual = min(table.usual("pixels_w"), float(DEFAULTS["camera"]["pixels_h"].value))
        circle = table.between("pixels_w", usual, *ROOM["circle_px"])
    own = table.number("hfov_deg")
    if own is None:
        _once(table.assumed, "hfov_deg")
    degrees = Known(own, own, own) if own is not None else table.between("hfov_deg", FISHEYE_DEG, *ROOM["fisheye_deg"])
    hfov = Known(*(math.radians(value) for value in degrees))
    focal = Known(*(c / h for c, h in zip(circle, (hfov[0], hfov[2], hfov[1]), strict=True)))
    optics = _Optics(hfov, hfov, focal, 1.0)
    tilt, azimuth = table.number("tilt_deg"), table.number("azimuth_deg")
    if tilt is None:
        tilt = 0.0 if str(table.device.attributes.get("mount") or "").strip().lower() == "wall" else 90.0
    if azimuth is None and abs(tilt) < 90.0 - STRAIGHT_DOWN_DEG and hfov.value < 2 * math.pi - 1e-6:
        narrow = Known(1e-9, 1e-9, 1e-9)  # the limit of a fisheye is a distance, whatever way it looks
        return _any_way(table, optics._replace(hfov=narrow, vfov=narrow), position)
    view = View(
        table.device.id, position, FISHEYE, math.radians(azimuth or 0.0), math.radians(tilt), hfov.value, hfov.value, focal_px=focal.value
    )  # fmt: skip
    return [_settled(table, view, optics)]


def _settled(table: _Table, view: View, optics: _Optics, widest: _Widest | None = None) -> View:
    """The view with its range and light, and with what every and any possibility sees."""
    lit = _lit(table, view)
    slack = _slack(table, view.slack)
    is_exact = all(known.low == known.high for known in (optics.hfov, optics.vfov, optics.focal))
    exact = replace(lit, slack=Slack(), least=None, most=None)
    if slack == Slack() and is_exact and widest is None and lit.least is None and lit.most is None:
        return exact
    least, most = _pose(lit.least or lit, LEAST, slack), _pose(lit.most or lit, MOST, slack)
    if widest is not None:
        low = (view.focal_px or 0.0) * optics.focal.low / optics.focal.value
        return replace(
            exact, least=replace(least, focal_px=low), most=replace(most, focal_px=widest.focal_px, reachable=widest.reachable)
        )  # fmt: skip
    return replace(
        exact,
        least=replace(least, hfov_rad=optics.hfov.low, vfov_rad=optics.vfov.low, focal_px=optics.focal.low),
        most=replace(most, hfov_rad=optics.hfov.high, vfov_rad=optics.vfov.high, focal_px=optics.focal.high),
    )


def _pose(view: View, sign: int, slack: Slack) -> View:
    """The view with what is not known of its pose counted against it or for it."""
    return replace(view, sign=sign, slack=slack, least=None, most=None)


def _lit(table: _Table, view: View) -> View:
    """The view with its range, and by night with its own light; what nobody knows is left open."""
    far = table.number("range_m")
    said = table.device.attributes.get("range_m")
    limited = replace(view, range_m=math.inf if far is None else far)
    if far is None and "range_m" in table.wrong and said is not None and table.open("range_m"):
        limited = replace(limited, least=replace(limited, range_m=0.0, least=None, most=None))
    if table.reading.light == "day":
        return limited
    own, beam = table.number("ir_range_m"), table.number("ir_beam_deg")
    if own:

        def night(day: View) -> View:
            return replace(day, range_m=min(day.range_m, own), beam_rad=None if beam is None else math.radians(beam))

        least, most = (None if each is None else night(each) for each in (limited.least, limited.most))
        return replace(night(limited), least=least, most=most)
    by_day = replace(limited.most or limited, least=None, most=None)
    dark = replace(limited, is_dark=True, least=None, most=None)
    return replace(dark, most=by_day) if table.open("light") else dark


def _slack(table: _Table, slack: Slack) -> Slack:
    """The slack with the tolerances that the device states, and with that of an assumed height."""
    place, turn, nod = (table.number(name) or 0.0 for name in ("position_tolerance_m", "azimuth_tolerance_deg", "tilt_tolerance_deg"))
    if (place or turn or nod) and not table.open("pose"):
        place, turn, nod = 0.0, 0.0, 0.0
    height = ROOM["height_m"][1] if "height_m" in table.assumed and table.open("height_m") else 0.0
    return Slack(slack.xy_m + place, slack.z_m + place + height, slack.azimuth_rad + math.radians(turn), slack.tilt_rad + math.radians(nod))


def _focus(table: _Table) -> tuple[float, float]:
    """The depths between which the picture is sharp, where lens and focus are known. [m]"""
    focal, aperture, focus = (table.number(name) for name in ("focal_mm", "aperture", "focus_m"))
    blur, pitch = table.number("coc_mm"), table.number("pixel_pitch_um")
    width, pixels = table.number("sensor_w_mm"), table.number("pixels_w")
    if blur is None and pitch is not None:
        blur = pitch / 1000
    if blur is None and width is not None and pixels is not None:
        blur = width / pixels
    if focal is None or aperture is None or focus is None or blur is None or focus * 1000 <= focal:
        return 0.0, math.inf
    return depth_of_field(focal, aperture, math.inf if focus >= FAR_FOCUS_M else focus, blur)


def _angle(table: _Table, name: str, sensor: str) -> float | None:
    """A field of view [rad] as given, or from the focal length and the sensor's side; None where neither is known."""
    own, focal, side = table.number(name), table.number("focal_mm"), table.number(sensor)
    if own is not None:
        return math.radians(own)
    return 2 * math.atan(side / (2 * focal)) if focal and side else None


def _capped(angle: Known) -> Known:
    return Known(*(min(value, TALLEST_RAD) for value in angle))


def _presets(value: Any) -> list[dict[str, Any]]:
    """Presets as a list of attributes each; text is read as JSON, and `90;180` as azimuths."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [part.strip() for part in value.replace(",", ";").split(";") if part.strip()]
    if isinstance(value, Mapping) and value and all(isinstance(row, Mapping) for row in value.values()):
        value = list(value.values())  # presets by their names
    rows = value if isinstance(value, list | tuple) else [value] if value else []
    return [dict(row) if isinstance(row, Mapping) else {} if row is None else {"azimuth_deg": row} for row in rows]


def _once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
