"""Mobile base stations and indoor heads read as carriers, and the buildings their signal enters.

Antennas belong to a building where they name a storey or a space, or hang below the roof inside a footprint. Heads inside one building
with the same operator and frequency are one distributed cell and do not interfere with each other; neither do antennas that name the
same `cell_id`. 2G and 3G separate their cells by frequency plan and by code: only noise is counted against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import STOREY_HEIGHT_M, Building, buildings, owners
from twin.coverage.antenna import HALF_POWER_DEG, Antenna
from twin.coverage.cellular import Carriers, model_of
from twin.coverage.facade import House, house
from twin.coverage.propagation import Validity
from twin.coverage.radio import generation, noise_dbm, overlap, reference_power_dbm
from twin.coverage.surface import Surface
from twin.devices import positions
from twin.measures.radio import SLACK_DB, assumed_attributes, height_assumed, number, numbers, radiated_dbm
from twin.model import Device
from twin.store import Store
from twin.terrain import ground_z, z_of_height

FloatArray = NDArray[np.float64]

UNKNOWN_OPERATOR = "?"
INSIDE_SHARE = 0.99  # of a piece drawn on the ground that lies in a building's outline: it is a floor of that building
TECHNOLOGY_SLACK_DB = 300.0  # a carrier whose technology is assumed does not count in the worst case
USUAL_MHZ: Mapping[str, tuple[float, float]] = {"5g": (30.0, 100.0), "4g": (15.0, 20.0), "3g": (15.0, 5.0), "2g": (200.0, 0.2)}


@dataclass(frozen=True)
class Network:
    """The carriers that count, the operators they belong to, and what has to be said about them."""

    carriers: Carriers
    devices: Sequence[Device]  # (m,)
    operators: Sequence[str]  # (o,)
    assumed: int  # carriers that rest on an assumed attribute
    warnings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Read:
    """One device as a carrier."""

    generation: str
    f_ghz: float
    width_mhz: float
    scs_khz: float
    power_dbm: float
    slack_db: float
    antenna: Antenna
    operator: str
    assumed: bool  # power, frequency or technology
    guessed: Sequence[str]  # other attributes that are assumed


def houses(store: Store, surface: Surface) -> list[House | None]:
    """The building around each piece of a surface that is a floor inside one, or is drawn inside its outline; None for the others."""
    standing = {building.id: building for building in buildings(store)}
    drawn = _drawn_inside(store, surface, list(standing.values()))
    names = [piece.building_id if piece.floor_z is not None else drawn.get(k) for k, piece in enumerate(surface.pieces)]
    found = {name: building_house(store, standing[name]) for name in dict.fromkeys(names) if name in standing}
    return [found.get(name or "") for name in names]


def _drawn_inside(store: Store, surface: Surface, standing: Sequence[Building]) -> dict[int, str]:
    """The building that holds each piece without a floor of its own, by the number of the piece."""
    loose = [k for k, piece in enumerate(surface.pieces) if piece.floor_z is None]
    if not loose or not standing:
        return {}
    frame = store.park().frame
    outlines = np.array([frame.project(shapely.force_2d(building.footprint)) for building in standing], object)
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
    footprint = frame.project(shapely.force_2d(building.footprint))
    middle = shapely.get_coordinates(footprint.centroid)
    base = float(z_of_height(frame, middle, [building.base_h_m])[0])
    storey = building.height_m / building.storeys if building.storeys else _storey_height(store, building)
    return house(building.id, footprint, base, base + building.height_m, storey)


def network(store: Store, devices: Sequence[Device], *, only_5g: bool, model: str, load: float) -> Network:
    """The carriers of devices of kind `cell`.

    Parameters
    ----------
    store
        The park.
    devices
        The devices.
    only_5g
        Leave out other generations.
    model
        One of `twin.coverage.cellular.MOBILE_MODELS`.
    load
        How busy interfering carriers are. [1]
    """
    read = [(device, found) for device in devices if (found := _read(device)) and (found.generation == "5g" or not only_5g)]
    chosen, rows = [device for device, _ in read], [row for _, row in read]
    operators = sorted({row.operator for row in rows})
    place = positions(store, chosen)
    ground = ground_z(store.park(), store.terrain(), place[:, :2])
    around = _buildings_around(store, chosen, place)
    indoor = np.array([inside is not None for inside in around], bool)
    above = _above_roofs(store, place)
    height = np.maximum(place[:, 2] - ground, 0.5)
    carriers = Carriers(
        position=place,
        height_m=height,
        f_ghz=np.array([row.f_ghz for row in rows], float),
        power_dbm=np.array([row.power_dbm for row in rows], float),
        slack_db=np.array([row.slack_db for row in rows], float),
        noise_dbm=np.array([noise_dbm(row.scs_khz) for row in rows], float),
        antenna=[row.antenna for row in rows],
        operator=np.array([operators.index(row.operator) for row in rows], np.int64),
        indoor=indoor,
        model=[model_of(model, height_m=float(h), above_roofs=bool(a)).name for h, a in zip(height, above, strict=True)],
        interference=_interference(chosen, rows, around, load),
    )
    resting = sum(row.assumed or bool(row.guessed) for row in rows)
    return Network(carriers, chosen, operators, resting, _warnings(chosen, rows, around))


def outside_frequencies(network_: Network, validity: Mapping[str, Validity]) -> int:
    """How many carriers use their model outside the frequencies its source states."""
    spans = [validity[name].f_ghz for name in network_.carriers.model]
    return sum(not low <= f <= high for (low, high), f in zip(spans, network_.carriers.f_ghz.tolist(), strict=True))


def _read(device: Device) -> _Read | None:
    """A device as a carrier; None where its technology is named and is no mobile network."""
    named = device.attributes.get("technology")
    kind = generation(named) if named else "5g"
    if kind is None:
        return None
    usual_scs, usual_width = USUAL_MHZ[kind]
    scs = number(device, "scs_khz")[0] or usual_scs
    width, width_assumed = number(device, "bandwidth_mhz")
    width = usual_width if width is None or width_assumed else width
    f_mhz, f_assumed = number(device, "freq_mhz")
    eirp, p_assumed = radiated_dbm(device)
    slack = SLACK_DB["power"] * p_assumed + SLACK_DB["frequency"] * f_assumed + TECHNOLOGY_SLACK_DB * (not named)
    return _Read(
        generation=kind,
        f_ghz=(f_mhz or 3500.0) / 1000.0,
        width_mhz=width,
        scs_khz=scs,
        power_dbm=reference_power_dbm(eirp, kind, width, scs),
        slack_db=slack,
        antenna=_antenna(device),
        operator=str(device.attributes.get("operator") or UNKNOWN_OPERATOR),
        assumed=p_assumed or f_assumed or not named,
        guessed=_guessed(device, kind),
    )


def _guessed(device: Device, generation_: str) -> list[str]:
    """What else of a carrier's description is assumed: its height, the width of its band, where its sector looks and how wide it is."""
    sector = ("tilt_deg", "beam_h_deg", "beam_v_deg") if device.attributes.get("azimuth_deg") is not None else ()
    band = ("bandwidth_mhz",) if generation_ in {"4g", "5g"} else ()
    return [*height_assumed(device), *(name for name in (*band, *sector) if not numbers(device.attributes.get(name)))]


def _antenna(device: Device) -> Antenna:
    """A sector where the device says where it looks, else an antenna that radiates alike in all directions."""
    own = device.attributes.get("azimuth_deg")
    if own is None:
        return Antenna()
    azimuth, tilt, wide, high = (number(device, name)[0] for name in ("azimuth_deg", "tilt_deg", "beam_h_deg", "beam_v_deg"))
    return Antenna(
        float(np.radians(azimuth or 0.0)),
        float(np.radians(tilt or 0.0)),
        float(np.radians(wide or HALF_POWER_DEG)),
        float(np.radians(high or HALF_POWER_DEG)),
    )


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
    outlines = np.array([frame.project(shapely.force_2d(building.footprint)) for building in standing], object)
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


def _interference(devices: Sequence[Device], rows: Sequence[_Read], around: Sequence[str | None], load: float) -> FloatArray:
    """How much of each carrier arrives in each other one (m, m): load, overlap of the bands, and the width of a resource element."""
    m = len(rows)
    weight = np.zeros((m, m))
    cells = [_cell(device, row, inside) for device, row, inside in zip(devices, rows, around, strict=True)]
    for i, mine in enumerate(rows):
        for j, other in enumerate(rows):
            if i == j or mine.operator != other.operator or mine.generation in {"2g", "3g"} or cells[i] == cells[j]:
                continue
            shared = overlap(mine.f_ghz * 1000.0, mine.width_mhz, other.f_ghz * 1000.0, other.width_mhz)
            weight[i, j] = load * shared * mine.scs_khz / other.scs_khz
    return weight


def _cell(device: Device, row: _Read, inside: str | None) -> tuple[Any, ...]:
    named = device.attributes.get("cell_id")
    if named is not None:
        return (row.operator, str(named))
    return (row.operator, row.f_ghz, inside) if inside else (device.id,)


def _warnings(devices: Sequence[Device], rows: Sequence[_Read], around: Sequence[str | None]) -> list[dict[str, Any]]:
    assumed = sum(row.assumed for row in rows)
    found: list[dict[str, Any]] = []
    if not devices:
        found.append({"code": "no_devices", "subject": "cell"})
    if assumed:
        found.append({"code": "radio_assumed", "subject": "cell", "count": assumed, "slack_db": SLACK_DB["power"]})
    found += assumed_attributes("cell", [(device.id, row.guessed) for device, row in zip(devices, rows, strict=True)])
    nameless = sum(row.operator == UNKNOWN_OPERATOR for row in rows)
    if nameless:
        found.append({"code": "operator_missing", "subject": "cell", "count": nameless})
    buried = [device.id for device, inside in zip(devices, around, strict=True) if inside and not (device.storey_id or device.space_id)]
    if buried:
        found.append({"code": "antenna_inside", "subject": ", ".join(buried[:5]), "count": len(buried)})
    return found
