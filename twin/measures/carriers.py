"""Mobile base stations and indoor heads read as carriers, and the buildings their signal enters.

Antennas belong to a building where they name a storey or a space, or hang below the roof inside a footprint. Heads inside one building
with the same operator and frequency are one distributed cell and do not interfere with each other; neither do antennas that name the
same `cell_id`. 2G and 3G separate their cells by frequency plan and by code: only noise is counted against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import STOREY_HEIGHT_M, Building, buildings, owners
from twin.coverage.antenna import HALF_POWER_DEG, Antenna
from twin.coverage.cellular import model_of
from twin.coverage.facade import House, house
from twin.coverage.propagation import MODELS
from twin.coverage.radio import generation, noise_dbm, reference_power_dbm
from twin.coverage.site import Carriers, Interference
from twin.coverage.surface import Surface
from twin.devices import DEFAULTS, positions
from twin.measures.glazing import glazed
from twin.measures.placed import mended
from twin.measures.radio import SLACK_DB, assumed_attributes, height_assumed, mhz, number, numbers, radiated_dbm
from twin.model import Device
from twin.scene import Obstacles
from twin.store import Store
from twin.terrain import ground_z, z_of_height

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

UNKNOWN_OPERATOR = "?"
INSIDE_SHARE = 0.99  # of a piece drawn on the ground that lies in a building's outline: it is a floor of that building
TECHNOLOGY_SLACK_DB = 300.0  # a carrier whose technology is assumed does not count in the worst case
USUAL_MHZ: Mapping[str, tuple[float, float]] = {"5g": (30.0, 100.0), "4g": (15.0, 20.0), "3g": (15.0, 5.0), "2g": (200.0, 0.2)}


@dataclass(frozen=True)
class Network:
    """The carriers that count, the operators they belong to, and what has to be said about them."""

    carriers: Carriers
    devices: Sequence[Device]  # by `carriers.device`
    operators: Sequence[str]  # (o,)
    assumed: int  # carriers that rest on an assumed attribute
    resting: BoolArray  # (m,) those
    slack: Mapping[str, FloatArray]  # what is assumed -> by how much each carrier may be off (m,) [dB]
    warnings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sender:
    """One device as a carrier, or as the radio of a network of things."""

    operator: str
    f_ghz: float
    width_mhz: float
    scs_khz: float
    power_dbm: float  # of what is measured, at boresight
    noise_dbm: float
    antenna: Antenna
    slack: Mapping[str, float]  # what is assumed -> how far the power may be off for it [dB]
    guessed: Sequence[str]  # other attributes that are assumed
    loose: tuple[float, float, float]  # how far its pose may be off: position [m], azimuth and tilt [rad]
    disturbs: bool = True


@dataclass(frozen=True)
class Formulas:
    """Which formulas carriers use: outdoors, and inside buildings; `auto` is UMa above the roofs and UMi below them."""

    outdoor: str = "38.901-uma"
    indoor: str = "38.901-inh"


def network(store: Store, devices: Sequence[Device], *, only_5g: bool, formulas: Formulas, load: float) -> Network:
    """The carriers of devices of kind `cell`.

    Parameters
    ----------
    store
        The park.
    devices
        The devices.
    only_5g
        Leave out other generations.
    formulas
        The models used.
    load
        How busy interfering carriers are. [1]
    """
    rows = [(device, found) for device in placed(devices) if (found := _read(device, only_5g=only_5g))]
    operators = sorted({row.operator for _, row in rows})
    found = assembled(store, rows, operators, formulas, load)
    said = [*unplaced(devices, "cell"), *telling("cell", rows, found.carriers)]
    nameless = sum(row.operator == UNKNOWN_OPERATOR for _, row in rows)
    if nameless:
        said.append({"code": "operator_missing", "subject": "cell", "count": nameless})
    return replace(found, warnings=[*said, *buried("cell", rows, found.carriers)])


def assembled(store: Store, rows: Sequence[tuple[Device, Sender]], operators: Sequence[str], formulas: Formulas, load: float) -> Network:
    """Devices as carriers in the park: where they hang, what is around them, and how they disturb each other."""
    senders = [row for _, row in rows]
    devices = list({device.id: device for device, _ in rows}.values())
    number_of = {device.id: k for k, device in enumerate(devices)}
    place = positions(store, [device for device, _ in rows]) if rows else np.empty((0, 3))
    ground = ground_z(store.park(), store.terrain(), place[:, :2])
    around = _buildings_around(store, [device for device, _ in rows], place)
    indoor = np.array([inside is not None for inside in around], bool)
    height = np.maximum(place[:, 2] - ground, 0.5)
    above = _above_roofs(store, place)
    models = [
        _model(formulas, inside=bool(i), height_m=float(h), above=bool(a), f_ghz=row.f_ghz)
        for i, h, a, row in zip(indoor, height, above, senders, strict=True)
    ]
    slack = _columns([row.slack for row in senders])
    carriers = Carriers(
        position=place,
        height_m=height,
        f_ghz=np.array([row.f_ghz for row in senders], float),
        power_dbm=np.array([row.power_dbm for row in senders], float),
        slack_db=np.sum(list(slack.values()), axis=0) if slack else np.zeros(len(rows)),
        noise_dbm=np.array([row.noise_dbm for row in senders], float),
        antenna=[row.antenna for row in senders],
        operator=np.array([list(operators).index(row.operator) for row in senders], np.int64),
        indoor=indoor,
        model=models,
        interference=_interference([device for device, _ in rows], senders, around, load),
        device=np.array([number_of[device.id] for device, _ in rows], np.int64),
        loose=np.array([row.loose for row in senders], float).reshape(-1, 3),
        house=around,
    )
    resting = np.array([bool(row.slack) or bool(row.guessed) for row in senders], bool)
    return Network(carriers, devices, operators, int(resting.sum()), resting, slack, ())


def outside_validity(network_: Network, target_height_m: float) -> list[dict[str, Any]]:
    """A warning for each model that is used outside what its source states: frequencies, and heights of antennas and targets."""
    carriers = network_.carriers
    found: list[dict[str, Any]] = []
    for name in sorted(set(carriers.model)):
        valid = MODELS[name].validity
        mine = np.array([model == name for model in carriers.model], bool)
        f, h = carriers.f_ghz[mine], carriers.height_m[mine]
        beyond = int(((f < valid.f_ghz[0]) | (f > valid.f_ghz[1])).sum())
        high = int(((h < valid.h_bs_m[0] - 1e-6) | (h > valid.h_bs_m[1])).sum())
        if beyond:
            low, most = valid.f_ghz
            found.append({"code": "model_extrapolated", "subject": name, "count": beyond, "low": low, "high": most})
        if high:
            found.append({"code": "model_heights", "subject": name, "count": high, "low": valid.h_bs_m[0], "high": valid.h_bs_m[1]})
        if not valid.h_ut_m[0] - 1e-6 <= target_height_m <= valid.h_ut_m[1]:
            low, most = valid.h_ut_m
            found.append({"code": "model_target_height", "subject": name, "height": target_height_m, "low": low, "high": most})
    return found


def placed(devices: Sequence[Device]) -> list[Device]:
    """The devices that are somewhere."""
    return [mended(device) for device in devices if np.isfinite([device.lon, device.lat]).all() and abs(device.lat) <= 90.0]


def unplaced(devices: Sequence[Device], kind: str) -> list[dict[str, Any]]:
    """What is to be said of those that are nowhere."""
    lost = sorted({device.id for device in devices} - {device.id for device in placed(devices)})
    return [{"code": "device_without_place", "subject": kind, "count": len(lost), "ids": lost}] if lost else []


def houses(store: Store, surface: Surface, obstacles: Obstacles) -> list[House | None]:
    """The building around each piece of a surface that is a floor inside one, or is drawn inside its outline; None for the others.

    What the buildings' models say of their windows is in them.
    """
    standing = {building.id: building for building in buildings(store)}
    drawn = _drawn_inside(store, surface, list(standing.values()))
    names = [piece.building_id if piece.floor_z is not None else drawn.get(k) for k, piece in enumerate(surface.pieces)]
    found = {name: building_house(store, standing[name]) for name in dict.fromkeys(names) if name in standing}
    modelled = {name for name in found if standing[name].model_ids}
    return glazed([found.get(name or "") for name in names], obstacles, modelled)


def house_at(store: Store, place: FloatArray, obstacles: Obstacles, devices: Sequence[Device]) -> list[House | None]:
    """The building that each of some devices at places (n, 3) [m, enu] is in; None outdoors."""
    standing = {building.id: building for building in buildings(store)}
    around = _buildings_around(store, devices, place)
    found = {name: building_house(store, standing[name]) for name in dict.fromkeys(around) if name in standing}
    modelled = {name for name in found if standing[name].model_ids}
    return glazed([found.get(name or "") for name in around], obstacles, modelled)


def _read(device: Device, *, only_5g: bool) -> Sender | None:
    """A device as a carrier; None where its technology is named and is no mobile network, or not of the generation asked for."""
    named = device.attributes.get("technology")
    kind = generation(named) if named else "5g"
    if kind is None or (only_5g and kind != "5g"):
        return None
    scs = positive(device, "scs_khz") or USUAL_MHZ[kind][0]
    width = positive(device, "bandwidth_mhz") or USUAL_MHZ[kind][1]
    row = sender(device, str(device.attributes.get("operator") or UNKNOWN_OPERATOR), width, scs)
    power = reference_power_dbm(row.power_dbm, kind, width, scs)
    band = kind in {"4g", "5g"} and not positive(device, "bandwidth_mhz")
    slack = (
        dict(row.slack) | ({"bandwidth": SLACK_DB["bandwidth"]} if band else {}) | ({} if named else {"technology": TECHNOLOGY_SLACK_DB})
    )
    guessed = [*row.guessed, *(["bandwidth_mhz"] if band else [])]
    return replace(row, power_dbm=power, noise_dbm=noise_dbm(scs), slack=slack, guessed=guessed, disturbs=kind not in {"2g", "3g"})


def sender(device: Device, operator: str, width_mhz: float, scs_khz: float) -> Sender:
    """What every radio of a device says of itself; `power_dbm` is its EIRP, and nothing is said of noise."""
    own_f = mhz(device.attributes.get("freq_mhz"))
    eirp, p_assumed = radiated_dbm(device)
    antenna, unsaid, slack = _antenna(device)
    slack |= {"power": SLACK_DB["power"]} if p_assumed else {}
    slack |= {} if own_f else {"frequency": SLACK_DB["frequency"]}
    height = height_assumed(device)
    slack |= {"height": SLACK_DB["height"]} if height else {}
    usual = DEFAULTS.get(device.kind, {}).get("freq_mhz")  # what a table says and cannot be is as good as nothing
    return Sender(
        operator=operator,
        f_ghz=(own_f[0] if own_f else float(usual.value) if usual else 3500.0) / 1000.0,
        width_mhz=width_mhz,
        scs_khz=scs_khz,
        power_dbm=eirp,
        noise_dbm=-np.inf,
        antenna=antenna,
        slack=slack,
        guessed=[*height, *unsaid],
        loose=tolerances(device),
    )


def positive(device: Device, name: str) -> float | None:
    """The device's own first number under `name`, where it is more than nothing."""
    return next((value for value in numbers(device.attributes.get(name)) if value > 0), None)


def tolerances(device: Device) -> tuple[float, float, float]:
    """How far a device's pose may be off, as it says itself: position [m], azimuth and tilt [rad]."""
    off = [abs(positive(device, f"{name}") or 0.0) for name in ("position_tolerance_m", "azimuth_tolerance_deg", "tilt_tolerance_deg")]
    return off[0], float(np.radians(off[1])), float(np.radians(off[2]))


def _antenna(device: Device) -> tuple[Antenna, list[str], dict[str, float]]:
    """A sector where the device says where it looks, else an antenna that radiates alike in all directions; what of it is assumed, and
    how far off that may be [dB]."""
    own = numbers(device.attributes.get("azimuth_deg"))
    if not own:
        return Antenna(), [], {}
    said = {name: numbers(device.attributes.get(name)) for name in ("tilt_deg", "electrical_tilt_deg", "mechanical_tilt_deg")}
    parted = bool(said["electrical_tilt_deg"] or said["mechanical_tilt_deg"])
    tilt = (said["electrical_tilt_deg"] or [0.0])[0] if parted else number(device, "tilt_deg")[0] or 0.0
    lean = (said["mechanical_tilt_deg"] or [0.0])[0]
    wide, high = (positive(device, name) or HALF_POWER_DEG for name in ("beam_h_deg", "beam_v_deg"))
    unsaid = [name for name in ("beam_h_deg", "beam_v_deg") if not positive(device, name)]
    slack: dict[str, float] = {"beam": SLACK_DB["beam"]} if unsaid else {}
    if not parted and not said["tilt_deg"]:
        unsaid, slack = ["tilt_deg", *unsaid], slack | {"tilt": SLACK_DB["tilt"]}
    azimuth, electrical, mechanical = (float(np.radians(value)) for value in (own[0], tilt, lean))
    return Antenna(azimuth, electrical, float(np.radians(wide)), float(np.radians(high)), mechanical), unsaid, slack


def _model(formulas: Formulas, *, inside: bool, height_m: float, above: bool, f_ghz: float) -> str:
    if inside:
        return formulas.indoor
    name = formulas.outdoor
    if name == "auto":
        name = "38.901-uma" if above else "38.901-umi"
    return model_of(name, height_m=height_m, above_roofs=above, f_ghz=f_ghz).name


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, FloatArray]:
    names = sorted({name for row in rows for name in row})
    return {name: np.array([row.get(name, 0.0) for row in rows], float) for name in names}


def _drawn_inside(store: Store, surface: Surface, standing: Sequence[Building]) -> dict[int, str]:
    """The building that holds each piece without a floor of its own, by the number of the piece."""
    loose = [k for k, piece in enumerate(surface.pieces) if piece.floor_z is None]
    if not loose or not standing:
        return {}
    frame = store.park().frame
    outlines = shapely.make_valid(frame.project(np.array([shapely.force_2d(building.footprint) for building in standing], object)))
    tree = shapely.STRtree(outlines)
    found: dict[int, str] = {}
    for k in loose:
        polygon = surface.pieces[k].polygon
        for j in tree.query(polygon, predicate="intersects").tolist():
            if float(shapely.area(shapely.intersection(polygon, outlines[j]))) >= INSIDE_SHARE * polygon.area:
                found[k] = standing[j].id
    return found


def building_house(store: Store, building: Building) -> House:
    """A building as the prism over its footprint, in the park's frame."""
    frame = store.park().frame
    footprint: Any = shapely.make_valid(frame.project(shapely.force_2d(building.footprint)))
    middle = shapely.get_coordinates(footprint.centroid)
    base = float(z_of_height(frame, middle, [building.base_h_m])[0])
    storey = building.height_m / building.storeys if building.storeys else _storey_height(store, building)
    return house(building.id, footprint, base, base + building.height_m, storey)


def _storey_height(store: Store, building: Building) -> float:
    """The mean distance between the levels of a building's models, else the usual one. [m]"""
    storeys = [storey for model_id in building.model_ids for storey in store.storeys(model_id) if building.holds(model_id, storey.id)]
    levels = np.unique([round(storey.base_h_m, 2) for storey in storeys])
    steps = np.diff(levels)
    usual = steps[(steps > 2.0) & (steps < 8.0)]
    return float(usual.mean()) if len(usual) else STOREY_HEIGHT_M


def _buildings_around(store: Store, devices: Sequence[Device], place: FloatArray) -> list[str | None]:
    """The building each device hangs in: the one it names a storey or space of, or the one whose prism holds it; None outdoors."""
    standing = buildings(store)
    owner = owners(standing)
    of_part = {part.id: owner(part.model_id, part.id) for part in (*store.storeys(), *store.spaces())}
    frame = store.park().frame
    outlines = shapely.make_valid(frame.project(np.array([shapely.force_2d(building.footprint) for building in standing], object)))
    tree = shapely.STRtree(outlines)
    found: list[str | None] = []
    for device, (x, y, z) in zip(devices, place.tolist(), strict=True):
        part = device.storey_id or device.space_id
        if part:
            found.append(device.building_id or of_part.get(part) or "?")
            continue
        holding = [standing[k] for k in tree.query(shapely.Point(x, y), predicate="within").tolist()]
        found.append(next((building.id for building in holding if z < building_house(store, building).top_z), None))
    return found


def _above_roofs(store: Store, place: FloatArray) -> NDArray[np.bool_]:
    """Whether each antenna (n, 3) [m, enu] is higher than the median roof of the park."""
    frame, standing = store.park().frame, buildings(store)
    if not standing:
        return np.ones(len(place), bool)
    roof = float(np.median([building.base_h_m + building.height_m for building in standing]))
    return place[:, 2] > z_of_height(frame, place[:, :2], np.full(len(place), roof))


def _interference(devices: Sequence[Device], rows: Sequence[Sender], around: Sequence[str | None], load: float) -> Interference:
    """How much of each carrier arrives in each other one of its operator: load, overlap of the bands, and width of a resource element."""
    m = len(rows)
    f, width = np.array([row.f_ghz for row in rows]) * 1e3, np.array([row.width_mhz for row in rows])
    scs, disturbs = np.array([row.scs_khz for row in rows]), np.array([row.disturbs for row in rows], bool)
    _, operator = np.unique(np.array([row.operator for row in rows], object).astype(str), return_inverse=True)
    names = [_cell(device, row, inside) for device, row, inside in zip(devices, rows, around, strict=True)]
    number_of = {name: k for k, name in enumerate(dict.fromkeys(names))}
    cell = np.array([number_of[name] for name in names], np.int64)
    first, others, weights = [0], [np.empty(0, np.int64)], [np.empty(0)]
    for i in range(m):
        shared = np.maximum(np.minimum(f[i] + width[i] / 2, f + width / 2) - np.maximum(f[i] - width[i] / 2, f - width / 2), 0.0) / width[i]
        weight = load * shared * scs[i] / scs * ((operator == operator[i]) & (cell != cell[i]) & disturbs[i])
        others.append(np.flatnonzero(weight))
        weights.append(weight[others[-1]])
        first.append(first[-1] + len(others[-1]))
    return Interference(np.array(first, np.int64), np.concatenate(others).astype(np.int64), np.concatenate(weights))


def _cell(device: Device, row: Sender, inside: str | None) -> tuple[Any, ...]:
    named = device.attributes.get("cell_id")
    if named is not None:
        return (row.operator, str(named))
    return (row.operator, row.f_ghz, inside) if inside else (device.id,)


def telling(kind: str, rows: Sequence[tuple[Device, Sender]], carriers: Carriers) -> list[dict[str, Any]]:
    """What is to be said of devices that leave out what matters."""
    assumed = sum(bool({"power", "frequency", "technology"} & set(row.slack)) for _, row in rows)
    found: list[dict[str, Any]] = []
    if not len(carriers):
        found.append({"code": "no_devices", "subject": kind})
    if assumed:
        found.append({"code": "radio_assumed", "subject": kind, "count": assumed, "slack_db": SLACK_DB["power"]})
    return found + assumed_attributes(kind, [(device.id, row.guessed) for device, row in rows])


def buried(kind: str, rows: Sequence[tuple[Device, Sender]], carriers: Carriers) -> list[dict[str, Any]]:
    """What is to be said of antennas inside a building that name no part of it."""
    pairs = zip(rows, carriers.house, strict=True)
    found = [device.id for (device, _), inside in pairs if inside and not (device.storey_id or device.space_id)]
    return [{"code": "antenna_inside", "subject": ", ".join(found[:5]), "count": len(found), "kind": kind}] if found else []
