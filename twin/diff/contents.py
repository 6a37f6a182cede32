"""Two versions of a source's content beside each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.diff import pairing
from twin.diff.changes import Change, Kind, Shift
from twin.diff.pairing import Pairs
from twin.diff.said import Names, differences, of_device, of_element, of_record
from twin.diff.shapes import SAME_M, STILL, Corners, Motion, bodies, displacement, is_same_shape, middle, motion
from twin.model import Device, Element, FeatureTable, Layer, ModelContent, SourceContent

_SHIFT_SHARE = 0.5  # a motion that more than half of a model's elements made is the model's
_ASKED = 500  # bodies that are asked whether they made the model's motion
_SAME_DEG = 1e-9  # 0.1 mm on the ground
_ROOM_DEG = 4e-8  # 4 mm, as for bodies: outlines are found on them

# how a storey, a room and a group are known where their ids are new
_ALIKE: Mapping[str, Callable[[Any], Hashable]] = {
    "storeys": lambda storey: (storey.name, round(storey.elevation_m, 3)),
    "spaces": lambda space: (space.name, space.long_name, None if space.area_m2 is None else round(space.area_m2, 3)),
    "groups": lambda group: (group.kind, group.ifc_class, group.name),
}


def compare(old: SourceContent, new: SourceContent) -> tuple[list[Change], int, list[Shift]]:
    """What changed, how many things did not, and the motions of whole models."""
    changes: list[Change] = []
    shifts: list[Shift] = []
    unchanged = 0
    for before, after in _models(old.models, new.models):
        found, same, shift = compare_models(before, after)
        changes += found
        unchanged += same
        shifts += [shift] if shift is not None else []
    layers = {layer.id: (layer, table) for layer, table in old.layers}
    for layer, table in new.layers:
        found, same = compare_features(layer, layers.pop(layer.id, (layer, _nothing()))[1], table)
        changes += found
        unchanged += same
    for layer, table in layers.values():
        changes += compare_features(layer, table, _nothing())[0]
    found, same = compare_devices(old.devices, new.devices)
    return [*changes, *found], unchanged + same, shifts


def compare_models(old: ModelContent, new: ModelContent) -> tuple[list[Change], int, Shift | None]:
    """What changed between two versions of one model, how many elements and rooms did not, and the model's own motion."""
    before, after = bodies(old.mesh), bodies(new.mesh)
    elements = pairing.by_id(old.elements, new.elements)
    known = elements if elements.both else pairing.by_id(old.elements, new.elements, _class_and_name)  # where every id is new
    going, share = _common_motion([(before[a.id], after[b.id]) for a, b in known.both if a.id in before and b.id in after])
    there = {identity: going.moved(corners) for identity, corners in before.items()}
    elements = pairing.under_other_ids(elements, there, after)
    records = {what: pairing.by_id(getattr(old, what), getattr(new, what), alike) for what, alike in _ALIKE.items()}
    names = Names.of([elements, *records.values()])

    def change(a: Element, b: Element) -> Change | None:
        return _element_change(a, b, (there.get(a.id), after.get(b.id)), names)

    changes, same = _told("element", new.model.id, elements, change)
    for plural, found in records.items():
        what = plural.removesuffix("s")
        told, as_before = _told(what, new.model.id, found, _record_change(what, new.model.id, names, stays=going is STILL))
        changes += told
        same += as_before
    return changes, same, _shift(new.model.id, going, share, after)


def compare_features(layer: Layer, old: FeatureTable, new: FeatureTable) -> tuple[list[Change], int]:
    """What changed in a layer, and how many features did not."""
    found = pairing.features(old, new)
    told = [_feature_change(layer, old, new, a, b) for a, b in found.both]
    changes = [change for change in told if change is not None]
    changes += [Change(str(new.ids[k]), "feature", _name(new, k), ("added",), layer.id) for k in found.come]
    changes += [Change(str(old.ids[k]), "feature", _name(old, k), ("removed",), layer.id) for k in found.gone]
    return changes, len(told) - sum(change is not None for change in told)


def compare_devices(old: Sequence[Device], new: Sequence[Device]) -> tuple[list[Change], int]:
    """What changed among devices, and how many did not."""
    return _told("device", "", pairing.devices(old, new), _device_change)


def _models(old: Sequence[ModelContent], new: Sequence[ModelContent]) -> list[tuple[ModelContent, ModelContent]]:
    """The models of two versions in pairs: by id, else in order; one without a partner is beside an empty one."""
    later = {content.model.id: content for content in new}
    pairs = [(content, later.pop(content.model.id)) for content in old if content.model.id in later]
    paired = {before.model.id for before, _ in pairs}
    left = [content for content in old if content.model.id not in paired]
    rest = list(later.values())
    pairs += list(zip(left, rest, strict=False))
    pairs += [(content, _emptied(content)) for content in left[len(rest) :]]
    return pairs + [(_emptied(content), content) for content in rest[len(left) :]]


def _class_and_name(element: Element) -> Hashable:
    return element.ifc_class, element.name


def _emptied(content: ModelContent) -> ModelContent:
    mesh = content.mesh
    bare = type(mesh)(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(content.model, (), (), (), bare)


def _told(what: str, owner: str, found: Pairs, compared: Callable[[Any, Any], Change | None]) -> tuple[list[Change], int]:
    told = [compared(a, b) for a, b in found.both]
    changes = [change for change in told if change is not None]
    changes += [_whole(what, each, "added", owner) for each in found.come]
    changes += [_whole(what, each, "removed", owner) for each in found.gone]
    return changes, sum(change is None for change in told)


def _whole(what: str, each: Any, kind: Kind, owner: str) -> Change:
    return Change(each.id, what, each.name, (kind,), owner, getattr(each, "ifc_class", None))


def _common_motion(pairs: Sequence[tuple[Corners, Corners]]) -> tuple[Motion, float]:
    """The rigid motion most bodies made together, and the share of bodies that did; none where most stayed or went their own ways."""
    alike = [(a, b) for a, b in pairs if len(a) == len(b)]
    if not alike:
        return STILL, 0.0
    largest = sorted(alike, key=lambda pair: -float(np.ptp(pair[0].reshape(-1, 3), axis=0).max()))[:7]
    candidates = [STILL, *(found for a, b in largest if (found := motion(a, b)) is not None)]
    asked = alike[:: max(1, len(alike) // _ASKED)]
    shares = [float(np.mean([displacement(each.moved(a), b) <= 2 * SAME_M for a, b in asked])) for each in candidates]
    best = int(np.argmax(shares))
    return (candidates[best], shares[best]) if shares[best] > _SHIFT_SHARE else (STILL, 0.0)


def _shift(model_id: str, going: Motion, share: float, after: Mapping[str, Corners]) -> Shift | None:
    if going is STILL or not after:
        return None
    centre = np.mean([middle(corners) for corners in after.values()], axis=0)
    before = going.turn.T @ (centre - going.shift)
    distance, angle = float(np.linalg.norm(centre - before)), going.angle_deg()
    return Shift(model_id, round(distance, 4), round(angle, 5), round(share, 4)) if distance > 2 * SAME_M or angle > 1e-3 else None


def _element_change(old: Element, new: Element, shapes: tuple[Corners | None, Corners | None], names: Names) -> Change | None:
    before, after = shapes
    distance = None
    reshaped = (before is None) != (after is None)
    if before is not None and after is not None:
        reshaped = not is_same_shape(before, after)
        away = 0.0 if reshaped else displacement(before, after)
        distance = round(away, 4) if away > 2 * SAME_M else None
    said = differences(of_element(old, names), of_element(new, names))
    kinds = _kinds({"renamed_id": old.id != new.id, "reshaped": reshaped, "moved": distance is not None, "changed": bool(said)})
    return Change(new.id, "element", new.name, kinds, new.model_id, new.ifc_class, _was(old, new), distance, said) if kinds else None


def _record_change(what: str, owner: str, names: Names, *, stays: bool) -> Callable[[Any, Any], Change | None]:
    """The comparison of storeys, spaces or groups; of outlines only where the model `stays` where it was."""

    def change(old: Any, new: Any) -> Change | None:
        said = differences(of_record(old, names), of_record(new, names))
        outline = _outline_change(getattr(old, "outline", None), getattr(new, "outline", None)) if stays else None
        kinds = _kinds(
            {"renamed_id": old.id != new.id, "moved": outline == "moved", "reshaped": outline == "reshaped", "changed": bool(said)}
        )
        return Change(new.id, what, new.name, kinds, owner, was_id=_was(old, new), fields=said) if kinds else None

    return change


def _device_change(old: Device, new: Device) -> Change | None:
    said = differences(of_device(old), of_device(new))
    moved = abs(old.lon - new.lon) > _SAME_DEG or abs(old.lat - new.lat) > _SAME_DEG
    kinds = _kinds({"renamed_id": old.id != new.id, "moved": moved, "changed": bool(said)})
    return Change(new.id, "device", new.name, kinds, was_id=_was(old, new), fields=said) if kinds else None


def _was(old: Any, new: Any) -> str | None:
    return old.id if old.id != new.id else None


def _nothing() -> FeatureTable:
    return FeatureTable([], np.empty(0, object))


def _name(table: FeatureTable, k: int) -> str:
    return str(table.column("name")[k] or table.column("name_zh")[k] or "")


def _feature_change(layer: Layer, old: FeatureTable, new: FeatureTable, a: int, b: int) -> Change | None:
    geometry = _geometry_change(old.geometry[a], new.geometry[b])
    said = differences(old.row(a), new.row(b))
    renamed = old.ids[a] != new.ids[b]
    kinds = _kinds({"renamed_id": renamed, "moved": geometry == "moved", "reshaped": geometry == "reshaped", "changed": bool(said)})
    was = old.ids[a] if renamed else None
    return Change(new.ids[b], "feature", _name(new, b), kinds, layer.id, was_id=was, fields=said) if kinds else None


def _geometry_change(old: Any, new: Any) -> Kind | None:
    if old is None or new is None:
        return None if old is new else "reshaped"
    first, second = shapely.get_coordinates(old, include_z=True), shapely.get_coordinates(new, include_z=True)
    if first.shape != second.shape or old.geom_type != new.geom_type:
        return "reshaped"
    apart = np.nan_to_num(second) - np.nan_to_num(first)
    if np.abs(apart[:, :2]).max(initial=0.0) <= _SAME_DEG and np.abs(apart[:, 2]).max(initial=0.0) <= SAME_M:
        return None
    along = np.abs(apart - apart[:1]).max(axis=0)
    return "moved" if along[:2].max() <= 10 * _SAME_DEG and along[2] <= SAME_M else "reshaped"


def _outline_change(old: Any, new: Any) -> Kind | None:
    """What became of a room's outline, whatever corner it begins with."""
    if old is None or new is None or old.is_empty or new.is_empty:
        return None if (old is None) == (new is None) else "reshaped"
    if shapely.hausdorff_distance(old, new) <= _ROOM_DEG:
        return None
    east, north = np.subtract(new.centroid.coords[0][:2], old.centroid.coords[0][:2])
    there = shapely.transform(old, lambda points: points + np.array([east, north]))
    return "moved" if shapely.hausdorff_distance(there, new) <= 2 * _ROOM_DEG else "reshaped"


def _kinds(found: Mapping[Kind, bool]) -> tuple[Kind, ...]:
    return tuple(kind for kind, is_so in found.items() if is_so)
