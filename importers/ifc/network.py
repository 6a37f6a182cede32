"""What is joined to what: the ports of a model as connections between elements, stated or inferred from open ports in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from importers.ifc.drawing import Place
from twin.model import Connection

_SAME_PLACE_M = 0.01
_MOST = 4  # more open ports than this in one place are ports that nobody placed
_OPPOSITE = {"source": "sink", "sink": "source"}


def connections(model_id: str, content: Mapping[str, Any], place: Place) -> list[Connection]:
    """Joints as the file states them, then those inferred; each pair of elements and ports once.

    `from_id` is where the flow comes from, where that is known; `flow` is then `source`, `both` where it goes both ways.
    """
    ports = {port["id"]: port for port in content["ports"]}
    told = _once(joint for joint in (_stated(model_id, item, ports) for item in content["joints"]) if joint is not None)
    open_ports = [
        port for port in content["ports"] if port["id"] not in {name for joint in told for name in (joint.from_port, joint.to_port)}
    ]
    found = _once([*told, *_inferred(model_id, open_ports)])
    return _placed(found, ports, place)


def dangling(content: Mapping[str, Any], found: Sequence[Connection]) -> int:
    """How many ports are joined to nothing."""
    joined = {name for joint in found for name in (joint.from_port, joint.to_port)}
    return sum(port["id"] not in joined for port in content["ports"])


def _stated(model_id: str, item: Mapping[str, Any], ports: Mapping[str, Mapping[str, Any]]) -> Connection | None:
    if "elements" in item:
        one, other = item["elements"]
        return Connection(model_id, one, other) if one != other else None
    one, other = (ports.get(name) for name in item["ports"])
    return _joint(model_id, one, other, is_inferred=False) if one is not None and other is not None else None


def _joint(model_id: str, one: Mapping[str, Any], other: Mapping[str, Any], *, is_inferred: bool) -> Connection:
    """A joint, turned so that it runs with the flow."""
    backwards = (one["flow"] == "sink" and other["flow"] != "sink") or (one["flow"] is None and other["flow"] == "source")
    first, second = (other, one) if backwards else (one, other)
    return Connection(
        model_id, first["element"], second["element"], first["id"], second["id"], _flow(first["flow"], second["flow"]), is_inferred
    )


def _flow(first: str | None, second: str | None) -> str | None:
    """`source` where the flow runs from the first to the second, `both` where it may run either way, None where nobody says."""
    if first == second:
        return "both" if first == "both" else None  # two sources facing each other contradict one another
    return "source" if first == "source" or second == "sink" else "both" if "both" in {first, second} else None


def _once(joints: Iterable[Connection]) -> list[Connection]:
    """Each joint once; one without ports only where its elements are not joined by ports."""
    found: dict[Any, Connection] = {}
    listed = list(joints)
    by_ports = {frozenset((joint.from_id, joint.to_id)) for joint in listed if joint.from_port}
    for joint in listed:
        pair = frozenset((joint.from_id, joint.to_id))
        if joint.from_port:
            found.setdefault(frozenset((joint.from_port, joint.to_port)), joint)
        elif pair not in by_ports:
            found.setdefault(pair, joint)
    return list(found.values())


def _inferred(model_id: str, open_ports: Sequence[Mapping[str, Any]]) -> list[Connection]:
    """Open ports of different elements that lie in one place, and could carry the same flow."""
    placed = [port for port in open_ports if port["at"] is not None]
    if len(placed) < 2:
        return []
    points = np.array([port["at"] for port in placed])  # (n, 3)
    found: list[Connection] = []
    crowd: Counter[int] = Counter()
    pairs = list(_near(points))
    for k, n in pairs:
        crowd.update((k, n))
    for k, n in pairs:
        if max(crowd[k], crowd[n]) < _MOST and _fit(placed[k], placed[n]):
            found.append(_joint(model_id, placed[k], placed[n], is_inferred=True))
    return found


def _near(points: Any) -> Iterable[tuple[int, int]]:
    """Pairs of points nearer to each other than the tolerance, found by the cells of a grid."""
    cells: dict[tuple[int, ...], list[int]] = {}
    keys = np.floor(points / _SAME_PLACE_M).astype(np.int64)
    for k, key in enumerate(map(tuple, keys.tolist())):
        for shift in _SHIFTS:
            for n in cells.get(tuple(a + b for a, b in zip(key, shift, strict=True)), ()):
                if float(np.linalg.norm(points[k] - points[n])) <= _SAME_PLACE_M:
                    yield n, k
        cells.setdefault(key, []).append(k)


_SHIFTS = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]


def _fit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one["element"] == other["element"]:
        return False
    if one["flow"] == other["flow"] and one["flow"] in _OPPOSITE:
        return False
    said = [(one[name], other[name]) for name in ("type", "system")]
    return all(a is None or b is None or a == b or "NOTDEFINED" in {a, b} for a, b in said)


def _placed(found: Sequence[Connection], ports: Mapping[str, Mapping[str, Any]], place: Place) -> list[Connection]:
    """The connections with their place in the park: where their first port lies, else the second."""
    spots = [next((at for name in (c.from_port, c.to_port) if name and (at := ports[name]["at"]) is not None), None) for c in found]
    known = [k for k, at in enumerate(spots) if at is not None]
    if not known:
        return list(found)
    enu = place.georeferenced.placement.to_enu(np.array([spots[k] for k in known], float)).tolist()
    at = dict(zip(known, enu, strict=True))
    return [
        Connection(c.model_id, c.from_id, c.to_id, c.from_port, c.to_port, c.flow, c.is_inferred, at.get(k)) for k, c in enumerate(found)
    ]
