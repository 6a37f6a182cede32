"""Two versions of a source's content beside each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import shapely

from twin.diff.changes import Change, Kind, Shift
from twin.diff.shapes import SAME_M, STILL, Corners, Motion, area, bodies, displacement, is_same_shape, middle, motion
from twin.model import Device, Element, FeatureTable, Layer, ModelContent, SourceContent

_SHIFT_SHARE = 0.5  # a motion that more than half of a model's elements made is the model's
_ASKED = 500  # bodies that are asked whether they made the model's motion
_PLACE_M = 0.01  # elements of one class and shape whose middles lie this near are one element under two ids
_SAME_DEG = 1e-9  # 0.1 mm on the ground

_Paired = list[tuple[Any, Any]]


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
    found, same = _by_id("device", "", {d.id: d for d in old.devices}, {d.id: d for d in new.devices}, _device_change)
    return [*changes, *found], unchanged + same, shifts


def compare_models(old: ModelContent, new: ModelContent) -> tuple[list[Change], int, Shift | None]:
    """What changed between two versions of one model, how many elements and rooms did not, and the model's own motion."""
    before, after = bodies(old.mesh), bodies(new.mesh)
    pairs, gone, come = _paired(old.elements, new.elements)
    common = [(before[a.id], after[b.id]) for a, b in pairs if a.id in before and b.id in after]
    going, share = _common_motion(common)
    moved_before = {identity: going.moved(corners) for identity, corners in before.items()}
    renamed, gone, come = _same_under_other_ids(gone, come, moved_before, after)
    told = [_element_change(a, b, moved_before.get(a.id), after.get(b.id)) for a, b in [*pairs, *renamed]]
    changes = [change for change in told if change is not None]
    changes += [_whole("element", each, "added", new.model.id) for each in come]
    changes += [_whole("element", each, "removed", new.model.id) for each in gone]
    same = len(told) - sum(change is not None for change in told)
    for what, first, second in (
        ("storey", old.storeys, new.storeys),
        ("space", old.spaces, new.spaces),
        ("group", old.groups, new.groups),
    ):
        found, as_before = _by_id(what, new.model.id, {e.id: e for e in first}, {e.id: e for e in second}, _record_change(what))
        changes += found
        same += as_before
    return changes, same, _shift(new.model.id, going, share, after)


def compare_features(layer: Layer, old: FeatureTable, new: FeatureTable) -> tuple[list[Change], int]:
    """What changed in a layer; features whose ids changed are paired by their geometry where that is one of a kind."""
    first, second = dict(zip(old.ids, range(len(old)), strict=True)), dict(zip(new.ids, range(len(new)), strict=True))
    pairs = [(first[identity], k) for identity, k in second.items() if identity in first]
    gone, come = [k for i, k in first.items() if i not in second], [k for i, k in second.items() if i not in first]
    renamed, gone, come = _same_geometry(old, new, gone, come)
    told = [_feature_change(layer, old, new, a, b) for a, b in [*pairs, *renamed]]
    changes = [change for change in told if change is not None]
    changes += [Change(new.ids[k], "feature", _said(new, k), ("added",), layer.id) for k in come]
    changes += [Change(old.ids[k], "feature", _said(old, k), ("removed",), layer.id) for k in gone]
    return changes, len(told) - sum(change is not None for change in told)


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


def _emptied(content: ModelContent) -> ModelContent:
    mesh = content.mesh
    bare = type(mesh)(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(content.model, (), (), (), bare)


def _paired(old: Sequence[Element], new: Sequence[Element]) -> tuple[_Paired, list[Element], list[Element]]:
    first, second = {each.id: each for each in old}, {each.id: each for each in new}
    pairs: _Paired = [(first[identity], each) for identity, each in second.items() if identity in first]
    return pairs, [e for i, e in first.items() if i not in second], [e for i, e in second.items() if i not in first]


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


def _same_under_other_ids(
    gone: list[Element], come: list[Element], before: Mapping[str, Corners], after: Mapping[str, Corners]
) -> tuple[_Paired, list[Element], list[Element]]:
    """Elements left over that are one under two ids: of one class and shape in one place, or without a body and told alike."""
    offers: dict[tuple[Any, ...], list[Element]] = defaultdict(list)
    for each in come:
        for key in _keys(each, after.get(each.id)):
            offers[key].append(each)
    pairs: _Paired = []
    taken: set[str] = set()
    for each in gone:
        match = next((other for key in _keys(each, before.get(each.id))[:1] for other in offers.get(key, ()) if other.id not in taken
                      and _is_one(before.get(each.id), after.get(other.id))), None)  # fmt: skip
        if match is not None:
            taken.add(match.id)
            pairs.append((each, match))
    kept = {each.id for each, _ in pairs}
    return pairs, [each for each in gone if each.id not in kept], [each for each in come if each.id not in taken]


def _keys(element: Element, corners: Corners | None) -> list[tuple[Any, ...]]:
    """What an element is looked up by: its class and the cell of its middle, then the cells next to it; without a body, what is said."""
    if corners is None:
        return [(element.ifc_class, element.name, element.type_name, element.storey_id)]
    cell = np.round(middle(corners) / (4 * _PLACE_M)).astype(int)
    around = [cell + offset for offset in np.stack(np.meshgrid(*[[0, -1, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)]
    return [(element.ifc_class, *each.tolist()) for each in around]


def _is_one(before: Corners | None, after: Corners | None) -> bool:
    if before is None or after is None:
        return before is after
    close = float(np.linalg.norm(middle(before) - middle(after))) <= _PLACE_M
    return close and abs(area(before) - area(after)) <= 1e-3 * max(area(before), 1e-3) and is_same_shape(before, after)


def _element_change(old: Element, new: Element, before: Corners | None, after: Corners | None) -> Change | None:
    kinds: list[Kind] = ["renamed_id"] if old.id != new.id else []
    distance = None
    if before is not None and after is not None:
        if not is_same_shape(before, after):
            kinds.append("reshaped")
        elif (away := displacement(before, after)) > 2 * SAME_M:
            kinds.append("moved")
            distance = round(away, 4)
    elif (before is None) != (after is None):
        kinds.append("reshaped")
    said = _said_differently(_told(old), _told(new))
    if said:
        kinds.append("changed")
    if not kinds:
        return None
    was = old.id if old.id != new.id else None
    return Change(new.id, "element", new.name, tuple(kinds), new.model_id, new.ifc_class, was, distance, said)


def _told(element: Element) -> dict[str, Any]:
    """What is said about an element, flat: property sets as `set.name`."""
    flat: dict[str, Any] = {
        "class": element.ifc_class, "name": element.name, "storey": element.storey_id, "space": element.space_id,
        "type": element.type_name, "materials": list(element.materials),
    }  # fmt: skip
    for group, values in element.properties.items():
        flat |= {f"{group}.{name}": value for name, value in values.items()} if isinstance(values, Mapping) else {group: values}
    return flat


def _said_differently(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if not _equal(old.get(name), new.get(name))}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _record_change(what: str) -> Callable[[str, Any, Any], Change | None]:
    """The comparison of storeys, spaces or groups: everything but where the model stands; outlines by their area."""

    def told(record: Any) -> dict[str, Any]:
        values = {each.name: getattr(record, each.name) for each in fields(record)}
        left_out = {"id", "model_id", "outline", "base_h_m", "floor_h_m", "members"}
        members = {"members": sorted(values["members"])} if "members" in values else {}
        return {name: value for name, value in values.items() if name not in left_out} | members

    def change(model_id: str, old: Any, new: Any) -> Change | None:
        said = _said_differently(told(old), told(new))
        return Change(new.id, what, new.name, ("changed",), model_id, fields=said) if said else None

    return change


def _device_change(_: str, old: Device, new: Device) -> Change | None:
    def told(device: Device) -> dict[str, Any]:
        own = {each.name: getattr(device, each.name) for each in fields(device) if each.name not in {"lon", "lat", "source", "attributes"}}
        return own | dict(device.attributes)

    said = _said_differently(told(old), told(new))
    moved = abs(old.lon - new.lon) > _SAME_DEG or abs(old.lat - new.lat) > _SAME_DEG
    kinds: tuple[Kind, ...] = (*(("moved",) if moved else ()), *(("changed",) if said else ()))
    return Change(new.id, "device", new.name, kinds, fields=said) if kinds else None


def _by_id(
    what: str, owner: str, old: Mapping[str, Any], new: Mapping[str, Any], compared: Callable[[str, Any, Any], Change | None]
) -> tuple[list[Change], int]:
    told = [compared(owner, old[identity], each) for identity, each in new.items() if identity in old]
    changes = [change for change in told if change is not None]
    changes += [_whole(what, each, "added", owner) for identity, each in new.items() if identity not in old]
    changes += [_whole(what, each, "removed", owner) for identity, each in old.items() if identity not in new]
    return changes, sum(change is None for change in told)


def _whole(what: str, each: Any, kind: Kind, owner: str) -> Change:
    return Change(each.id, what, each.name, (kind,), owner, getattr(each, "ifc_class", None))


def _nothing() -> FeatureTable:
    return FeatureTable([], np.empty(0, object))


def _said(table: FeatureTable, k: int) -> str:
    return str(table.column("name")[k] or table.column("name_zh")[k] or "")


def _feature_change(layer: Layer, old: FeatureTable, new: FeatureTable, a: int, b: int) -> Change | None:
    kinds: list[Kind] = ["renamed_id"] if old.ids[a] != new.ids[b] else []
    kinds.extend(_geometry_change(old.geometry[a], new.geometry[b]))
    said = _said_differently(old.row(a), new.row(b))
    kinds.extend(["changed"] if said else [])
    if not kinds:
        return None
    was = old.ids[a] if old.ids[a] != new.ids[b] else None
    return Change(new.ids[b], "feature", _said(new, b), tuple(kinds), layer.id, was_id=was, fields=said)


def _geometry_change(old: Any, new: Any) -> list[Kind]:
    if old is None or new is None:
        return [] if old is new else ["reshaped"]
    first, second = shapely.get_coordinates(old, include_z=True), shapely.get_coordinates(new, include_z=True)
    if first.shape != second.shape or old.geom_type != new.geom_type:
        return ["reshaped"]
    apart = np.nan_to_num(second) - np.nan_to_num(first)
    if np.abs(apart[:, :2]).max(initial=0.0) <= _SAME_DEG and np.abs(apart[:, 2]).max(initial=0.0) <= SAME_M:
        return []
    along = np.abs(apart - apart[:1]).max(axis=0)
    return ["moved"] if along[:2].max() <= 10 * _SAME_DEG and along[2] <= SAME_M else ["reshaped"]


def _same_geometry(
    old: FeatureTable, new: FeatureTable, gone: Iterable[int], come: Iterable[int]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Features left over whose geometry is the same and one of a kind."""
    first, second = _by_geometry(old, gone), _by_geometry(new, come)
    pairs = [(a[0], second[key][0]) for key, a in first.items() if len(a) == 1 and len(second.get(key, ())) == 1]
    left, right = {a for a, _ in pairs}, {b for _, b in pairs}
    return pairs, [k for k in gone if k not in left], [k for k in come if k not in right]


def _by_geometry(table: FeatureTable, members: Iterable[int]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    for k in members:
        if table.geometry[k] is not None:
            found[shapely.to_wkb(shapely.set_precision(table.geometry[k], 0.0), flavor="iso")].append(k)
    return found
