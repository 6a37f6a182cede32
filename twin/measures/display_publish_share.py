"""display_publish_share: the share of displays that the centre publishes to, together and one by one."""

from __future__ import annotations

import time

import numpy as np
import shapely

from twin.devices import positions
from twin.errors import MissingInput
from twin.measures.displays import publishes_both
from twin.measures.emitters import STATUSES
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.placed import placed_devices
from twin.result import Gap, Measure, Request, Result, Samples
from twin.store import Store


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    devices, nowhere = placed_devices(store, "display", request.parameters["statuses"])
    if not devices:
        raise MissingInput("displays_missing", subject="display")
    told = [publishes_both(device) for device in devices]
    n, yes, unknown = len(devices), told.count(True), told.count(None)
    place = store.park().frame.to_lonlat(positions(store, devices))
    inputs = Inputs(digest(devices), n, unknown / n)
    ids = [device.id for device, each in zip(devices, told, strict=True) if each is None]
    state = np.array([UNDECIDED if each is None else COVERED if each else OPEN for each in told], np.int8)
    return share_result(
        MEASURE,
        request,
        Amounts(yes, yes, yes + unknown, n, "count"),
        inputs=inputs,
        started=started,
        resting_share=0.0 if yes else None,
        surface={"id": "displays", "samples": n, "method": "each display by what its table says"},
        gaps=[
            Gap(device.id, 1.0, "not_served", (), shapely.Point(*place[i]), None)
            for i, (device, each) in enumerate(zip(devices, told, strict=True))
            if each is not True
        ],
        warnings=[*nowhere, *([{"code": "publishing_unknown", "subject": "display", "count": unknown, "ids": ids}] if ids else [])],
        samples=Samples(place, np.array([float(each is True) for each in told]), state, np.zeros(n), "1"),
        devices=[
            {"id": device.id, "covered": int(each is True), "lost": int(each is True)} for device, each in zip(devices, told, strict=True)
        ],
        sensitivity=[{"what": "publishing", "devices": unknown, "lower": yes / n, "upper": (yes + unknown) / n, "width": unknown / n}]
        if unknown
        else [],
    )


MEASURE = Measure(
    id="display_publish_share",
    title_en="Displays under unified publishing",
    title_zh="显示设备统一发布能力",
    unit="1",
    quantity="count",
    parameters=(STATUSES,),
    sources=("Chengdu 2021", "Zhongshan", "Hubei"),
    compute=_compute,
)
