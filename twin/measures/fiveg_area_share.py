"""fiveg_area_share: the share of ground and floors where a 5G carrier is usable."""

from __future__ import annotations

from twin.measures.mobile_signal_area_share import SOURCES, compute_mobile, parameters, ready_mobile
from twin.result import Measure

MEASURE = Measure(
    id="fiveg_area_share",
    title_en="5G signal coverage",
    title_zh="5G信号覆盖率",
    unit="1",
    quantity="m2",
    parameters=parameters(),
    sources=SOURCES,
    compute=lambda store, request: compute_mobile(store, request, measure=MEASURE, only_5g=True),
    partly=lambda store, request: ready_mobile(store, request, only_5g=True),
)
