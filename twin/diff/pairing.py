"""Which thing of a newer version is which of an older: by id, else by what cannot be chance: programs give new ids to old things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from twin.diff.shapes import Corners, area, is_same_shape, middle
from twin.model import Device, Element, FeatureTable

_PLACE_M = 0.01  # elements of one class and shape whose middles lie this near are one element under two ids
_AROUND = np.stack(np.meshgrid(*[[0, -1, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)  # the cell itself first
_COUNTED = 3  # things that swapped ids with others before the ids are taken for mere numbers of rows


@dataclass(frozen=True)
class Pairs:
    """Things of both versions, the older first; those of the older alone; those of the newer alone."""

    both: Sequence[tuple[Any, Any]]
    gone: Sequence[Any]
    come: Sequence[Any]


def by_id(old: Sequence[Any], new: Sequence[Any], alike: Callable[[Any], Hashable] | None = None) -> Pairs:
    """Things of the same id; what is left over, where `alike` says the same of one on either side and of no other."""
    first, second = {each.id: each for each in old}, {each.id: each for each in new}
    both = [(first[identity], each) for identity, each in second.items() if identity in first]
    gone = [each for identity, each in first.items() if identity not in second]
    come = [each for identity, each in second.items() if identity not in first]
    if alike is None or not gone or not come:
        return Pairs(both, gone, come)
    return _more(both, gone, come, alike)


def under_other_ids(found: Pairs, before: Mapping[str, Corners], after: Mapping[str, Corners]) -> Pairs:
    """Elements left over that are one under two ids: of one class and shape in one place, or without a body and told alike."""
    offers: dict[Hashable, list[Element]] = defaultdict(list)
    for each in found.come:
        for key in _keys(each, after.get(each.id), _AROUND):
            offers[key].append(each)
    pairs: list[tuple[Any, Any]] = []
    taken: set[str] = set()
    for each in found.gone:
        (key,) = _keys(each, before.get(each.id), _AROUND[:1])
        matching = (one for one in offers.get(key, ()) if one.id not in taken and _is_one(before.get(each.id), after.get(one.id)))
        match = next(matching, None)
        if match is not None:
            taken.add(match.id)
            pairs.append((each, match))
    kept = {each.id for each, _ in pairs}
    return Pairs(
        [*found.both, *pairs], [each for each in found.gone if each.id not in kept], [each for each in found.come if each.id not in taken]
    )


def features(old: FeatureTable, new: FeatureTable) -> Pairs:
    """Rows of two tables: by id, and by geometry where ids differ or only count the rows."""
    first, second = _shapes(old), _shapes(new)
    return _rows(list(old.ids), list(new.ids), first, second)


def devices(old: Sequence[Device], new: Sequence[Device]) -> Pairs:
    """Devices by id, and by kind and place where ids differ or only count the rows."""
    first, second = [_place(each) for each in old], [_place(each) for each in new]
    found = _rows([each.id for each in old], [each.id for each in new], first, second)
    return Pairs([(old[a], new[b]) for a, b in found.both], [old[k] for k in found.gone], [new[k] for k in found.come])


def _rows(old: Sequence[str], new: Sequence[str], first: Sequence[Hashable], second: Sequence[Hashable]) -> Pairs:
    """Pairs of row numbers, from the ids and the keys of places; None is no place."""
    row_of = {identity: k for k, identity in enumerate(old)}
    same_id = [(row_of[identity], k) for k, identity in enumerate(new) if identity in row_of]
    gone, come = set(range(len(old))), set(range(len(new)))
    both: list[tuple[int, int]] = []

    def take(pairs: Iterable[tuple[int, int]]) -> None:
        for a, b in pairs:
            if a in gone and b in come:
                gone.discard(a)
                come.discard(b)
                both.append((a, b))

    if _only_count(same_id, first, second):
        take((a, b) for a, b in same_id if first[a] == second[b])
        take(_one_of_a_kind(gone, come, first, second))
    take(same_id)
    take(_one_of_a_kind(gone, come, first, second))
    return Pairs(sorted(both, key=lambda pair: pair[1]), sorted(gone), sorted(come))


def _only_count(same_id: Sequence[tuple[int, int]], first: Sequence[Hashable], second: Sequence[Hashable]) -> bool:
    """Whether ids are numbers of rows: most things that seem to have moved are found in their place under another id."""
    apart = [(a, b) for a, b in same_id if first[a] != second[b]]
    there = set(second)
    found = sum(first[a] is not None and first[a] in there for a, _ in apart)
    return found >= _COUNTED and 2 * found > len(apart)


def _one_of_a_kind(
    gone: Iterable[int], come: Iterable[int], first: Sequence[Hashable], second: Sequence[Hashable]
) -> list[tuple[int, int]]:
    left, right = _grouped(gone, first), _grouped(come, second)
    return [(a[0], right[key][0]) for key, a in left.items() if len(a) == 1 and len(right.get(key, ())) == 1]


def _grouped(rows: Iterable[int], keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for k in rows:
        if keys[k] is not None:
            found[keys[k]].append(k)
    return found


def _more(both: list[tuple[Any, Any]], gone: list[Any], come: list[Any], alike: Callable[[Any], Hashable]) -> Pairs:
    left, right = [alike(each) for each in gone], [alike(each) for each in come]
    pairs = _one_of_a_kind(range(len(gone)), range(len(come)), left, right)
    first, second = {a for a, _ in pairs}, {b for _, b in pairs}
    return Pairs(
        [*both, *((gone[a], come[b]) for a, b in pairs)],
        [each for k, each in enumerate(gone) if k not in first],
        [each for k, each in enumerate(come) if k not in second],
    )


def _keys(element: Element, corners: Corners | None, around: Any) -> list[Hashable]:
    """What an element is looked up by: its class and the cell of its middle, or those next to it; without a body, what is said."""
    if corners is None:
        return [(element.ifc_class, element.name, element.type_name)]
    cell = np.round(middle(corners) / (4 * _PLACE_M)).astype(int)
    return [(element.ifc_class, *each.tolist()) for each in cell + around]


def _is_one(before: Corners | None, after: Corners | None) -> bool:
    if before is None or after is None:
        return before is after
    close = float(np.linalg.norm(middle(before) - middle(after))) <= _PLACE_M
    return close and abs(area(before) - area(after)) <= 1e-3 * max(area(before), 1e-3) and is_same_shape(before, after)


def _shapes(table: FeatureTable) -> list[Hashable]:
    """Each geometry as a key, to a tenth of a millimetre; None where there is none."""
    if not len(table):
        return []
    there: Any = ~shapely.is_missing(table.geometry)  # (n,)
    rounded = shapely.transform(np.asarray(table.geometry, object), lambda points: np.round(points, 9))
    coded: Any = shapely.to_wkb(rounded)
    return [code if known else None for code, known in zip(coded.tolist(), there.tolist(), strict=True)]


def _place(device: Device) -> Hashable:
    return device.kind, round(device.lon, 9), round(device.lat, 9), device.height_m, device.z_m, device.storey_id
