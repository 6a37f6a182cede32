"""Devices."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from web.answers.devices import DeviceAnswer, DevicesAnswer, OneDeviceAnswer, device_answer, devices_answer
from web.memo import encode, reply
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["devices"])

Form = Annotated[Literal["object", "list"], Query(alias="as", description="`list` leaves out the object around the list")]


@router.get("/devices", response_model=DevicesAnswer | list[DeviceAnswer])
def get_devices(served: ServedPark, request: Request, kind: str | None = None, form: Form = "object") -> Response:
    """The devices of one kind, or all, with their absolute heights."""
    known = {device.kind for device in served.store.devices()}
    if kind is not None and kind not in known:
        return reply(request, encode([] if form == "list" else DevicesAnswer(devices=[])))
    answer = served.memo.value(f"devices {kind}", lambda: devices_answer(served.store, kind))
    return reply(request, served.memo.body(f"devices {kind} {form}", lambda: answer.devices if form == "list" else answer))


@router.get("/devices/{device_id:path}", response_model=OneDeviceAnswer)
def get_device(served: ServedPark, request: Request, device_id: str) -> Response:
    """One device; of a camera, also the ground it looks at."""
    return reply(request, encode(device_answer(served.store, device_id)))
