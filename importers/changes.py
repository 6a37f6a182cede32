"""What a newer content of a source changes, counted: features and devices by id, elements by GlobalId."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields, replace
from typing import Any

import numpy as np

from importers.contract import Imported
from twin.model import Device, Element, FeatureTable, ModelContent, SourceContent
from twin.store import blob, records

Said = Mapping[Hashable, Any]  # what is said about each thing, by what the thing is known by


def counted(before: SourceContent, after: Imported) -> dict[str, int]:
    """How many things were added, removed, changed, and left as they were."""
    old = _things(before.layers, before.devices, before.models)
    new = _things([(content.layer, content.table) for content in after.layers], after.devices, after.models)
    same = sum(1 for key, said in new.items() if key in old and _is_same(old[key], said))
    both = len(old.keys() & new.keys())
    return {"added": len(new) - both, "removed": len(old) - both, "changed": both - same, "unchanged": same}


def _things(layers: Iterable[tuple[Any, FeatureTable]], devices: Sequence[Device], models: Sequence[ModelContent]) -> Said:
    return {
        **{("feature", layer.id, key): said for layer, table in layers for key, said in _features(table)},
        **{("device", device.id): _plain(astuple(replace(device, source=""))) for device in devices},
        **_elements(models),
    }


def _features(table: FeatureTable) -> Iterator[tuple[str, Any]]:
    """Each feature's id and what the store would write of it."""
    for geometry, identity, *said, others, _ in records.features(table, "", blob.encode):
        yield identity, (geometry, said, others)


def _elements(models: Sequence[ModelContent]) -> Said:
    found: dict[Hashable, Any] = {}
    times: Counter[str] = Counter()
    for content in models:
        triangles = np.bincount(content.mesh.face_element, minlength=len(content.mesh.element_ids)).tolist()
        drawn = dict(zip(content.mesh.element_ids, triangles, strict=False))
        for element in content.elements:
            times[element.id] += 1  # one GlobalId may stand in two models of one file
            found["element", element.id, times[element.id]] = (replace(element, model_id=""), drawn.get(element.id, 0))
    return found


def _is_same(old: Any, new: Any) -> bool:
    """Whether two things say the same, whatever the order in which their JSON says it."""
    if old == new:
        return True
    if isinstance(old, tuple) and isinstance(old[0], Element):  # only what seems to differ goes through JSON: it is most of the time
        return old[1] == new[1] and all(_plain(getattr(old[0], one.name)) == _plain(getattr(new[0], one.name)) for one in fields(Element))
    if not isinstance(old, tuple) or len(old) != 3:
        return False
    return old[:2] == new[:2] and json.loads(old[2]) == json.loads(new[2])


def _plain(value: Any) -> Any:
    """`value` as it comes back from JSON."""
    return json.loads(records.json_text(value))
