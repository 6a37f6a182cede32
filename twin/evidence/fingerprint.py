"""A hash of each thing that measures read in a park, the same on every back end and every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np
import shapely

from twin.store import Store

ROLES = ("ground", "surface")


def fingerprints(store: Store) -> Mapping[str, str]:
    """SHA-256 by name: `park`, `devices`, `photometries`, `layer/<id>`, `model/<id>`, `terrain/<role>`."""
    return {name: _digest(parts) for name, parts in _things(store)}


def combined(hashes: Mapping[str, str]) -> str:
    """One hash over hashes by name, whatever their order."""
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _things(store: Store) -> Iterator[tuple[str, list[Any]]]:
    yield "park", [asdict(store.park())]
    yield "devices", list(store.devices())
    yield "photometries", list(store.photometries())
    for layer in store.layers():
        table = store.features(layer.id)
        yield f"layer/{layer.id}", [layer.kind, list(table.ids), table.geometry, dict(table.columns)]
    for model in store.models():
        parts = (store.mesh, store.storeys, store.spaces, store.elements)
        yield f"model/{model.id}", [model, *(part(model.id) for part in parts)]
    for role in ROLES:
        terrain = store.terrain(role)
        if terrain is not None:
            yield f"terrain/{role}", [terrain]


def _digest(parts: list[Any]) -> str:
    total = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()


def _pieces(part: Any) -> Iterator[bytes]:
    """The bytes of a value: arrays as they lie, shapes as WKB, dataclasses field by field, everything else as JSON."""
    if isinstance(part, np.ndarray) and part.dtype == object:
        yield from (b"" if shape is None else shapely.to_wkb(shape) for shape in part)
    elif isinstance(part, np.ndarray):
        yield str((part.dtype.str, part.shape)).encode()
        yield np.ascontiguousarray(part).tobytes()
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            yield field.name.encode()
            yield from _pieces(getattr(part, field.name))
    elif isinstance(part, list | tuple):
        yield str(len(part)).encode()
        for each in part:
            yield from _pieces(each)
    elif isinstance(part, shapely.Geometry):
        yield shapely.to_wkb(part)
    else:
        yield json.dumps(part, sort_keys=True, ensure_ascii=False, default=str).encode()
