"""alarm_key_position_share: the share of entrances and main buildings that have an alarm or an intrusion detector.

Alarms, detectors of intrusion and readers at gates count; detectors of smoke, gas and water do not. Of the models, alarms and motion
sensors count as devices of their own. The boundary, which the rows name too, is told by its length: `perimeter_alarm_length_share`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.devices import positions
from twin.measures.emitters import STATUSES
from twin.measures.evidence import digest
from twin.measures.placed import with_place
from twin.measures.radio import chosen_devices
from twin.measures.spoken import sort_of
from twin.measures.stationed import Told, Verdict, away_m, points_of, positions_asked, result_of
from twin.model import Device, Element
from twin.result import NOT_NEGATIVE, Measure, Parameter, Request, Result
from twin.store import Store

FloatArray = NDArray[np.float64]

KINDS = ("alarm", "detector", "access_control")
CLASSES = (
    "park_entrance", "personnel_entrance", "vehicle_entrance", "building_main_entrance", "main_building",
)  # fmt: skip
POINT_M = 1.0  # height at which a position is looked at
MOTION = ("MOVEMENTSENSOR", "MOTIONSENSOR")


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    places, warnings = positions_asked(store, asked["classes"], derive=asked["derive"])
    devices, unsure, nowhere = _alarms(store, asked["kinds"], asked["statuses"])
    own = [device for device in devices if device.source != _MODEL]
    elements = {device.id: device.attributes["place"] for device in devices if device.source == _MODEL}
    at = dict(zip((device.id for device in own), positions(store, own), strict=True)) | elements
    points = points_of(store, places, POINT_M)
    verdicts: list[Verdict] = []
    for position, point in zip(places, points, strict=True):
        away = {device.id: away_m(device, at[device.id], position, point) for device in devices}
        near = [name for name, distance in away.items() if distance <= asked["near_m"]]
        certain = [name for name in near if name not in unsure]
        short = min(away.values(), default=np.inf) - asked["near_m"]
        verdicts.append(
            Verdict(
                bool(near), bool(certain), bool(near), near, "" if near else "not_installed" if devices else "no_device",
                shortfall_m=round(float(short), 2) if not near and np.isfinite(short) else None,
            )
        )  # fmt: skip
    n = len(places)
    sure, value = sum(v.sure for v in verdicts) / n, sum(v.covered for v in verdicts) / n
    opening = [{"what": "functions", "devices": len(unsure), "lower": sure, "upper": value, "width": value - sure}] if sure < value else []
    told = [*warnings, *nowhere, *([] if devices else [{"code": "no_devices", "subject": ", ".join(asked["kinds"])}]), *_unsaid(unsure)]
    sha256 = digest([*own, sorted(elements), [str(position) for position in places]])
    return result_of(MEASURE, store, request, Told(places, points, verdicts, devices, sorted(unsure), sha256, told, opening), started)


_MODEL = "model"


def _alarms(store: Store, kinds: Sequence[str], statuses: Sequence[str]) -> tuple[list[Device], set[str], list[dict[str, Any]]]:
    """What raises an alarm about people and goods, the ids of detectors that do not say what they detect, and what is nowhere."""
    every, nowhere = with_place([device for kind in kinds for device in chosen_devices(store, kind, statuses)], ", ".join(kinds))
    sorts = {device.id: sort_of(device, "hazards") for device in every}
    kept = [device for device in every if sorts[device.id] not in {"fire", "gas", "water"}]
    unsure = {device.id for device in kept if device.kind == "detector" and sorts[device.id] is None}
    models = [_of_element(store, element) for element in store.elements() if _is_alarm(element) and element.bbox is not None]
    return [*kept, *models], unsure, nowhere


def _is_alarm(element: Element) -> bool:
    said = f"{element.type_name or ''} {element.name} {element.properties}".upper()
    if element.ifc_class.startswith("IfcSensor"):
        return any(word in said for word in MOTION)
    return element.ifc_class.startswith("IfcAlarm") and not any(word in said for word in ("FIRE", "SMOKE", "火"))


def _of_element(store: Store, element: Element) -> Device:
    box = np.asarray(element.bbox, float)
    place = (box[:3] + box[3:]) / 2
    lon, lat, height = store.park().frame.to_lonlat(place[None])[0].tolist()
    return Device(
        element.id, "alarm", element.name or element.id, lon, lat, z_m=height, storey_id=element.storey_id, space_id=element.space_id,
        source=_MODEL, attributes={"place": place},
    )  # fmt: skip


def _unsaid(unsure: set[str]) -> list[dict[str, Any]]:
    ids = sorted(unsure)
    return [{"code": "detector_sort_unknown", "subject": "detector", "count": len(ids), "ids": ids}] if ids else []


MEASURE = Measure(
    id="alarm_key_position_share",
    title_en="Alarm devices at entrances and main buildings",
    title_zh="报警装置关键位置覆盖",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("classes", list(CLASSES), "name", "indicators.yaml alarm_key_position_share: the union of what the rows name",
                  "Classes of positions that count", "计入的位置类别"),
        Parameter("kinds", list(KINDS), "name", "indicators.yaml alarm_key_position_share", "Kinds of devices that count",
                  "计入的设备类型"),
        Parameter("near_m", 15.0, "m", "assumption", "A device this near is at the position", "视为设置在该处的最大距离",
                  between=NOT_NEGATIVE),
        Parameter("derive", True, "", "assumption", "Rooms and lifts of models stand in for classes the register has none of",
                  "登记缺少某类时由模型补充"),
        STATUSES,
    ),
    sources=("Chengdu 2021", "Zhongshan"),
    compute=_compute,
)  # fmt: skip
