"""Who may see what: one question, asked of every request before anything is answered, from memory or not.

A rule is a function of the request (its ASGI scope, which holds its headers) and of what is asked for, named as the scene names it:

    layer/<layer id>                   its vector tiles, its TileJSON, its archive, what of it is in 3D
    buildings                          the buildings known by outline and height
    model/<building id or model id>    a building's models, or a model of many buildings
    terrain
    registered/<key>                   a tileset that came as it is, and the files of the source it came from

Under a rule nothing is said of what one may not see: it is answered as what is not there, the tileset of the whole park leaves it out,
and every answer is private and asked about anew each time it is used. A rule is asked on the server's own thread: it looks up, and does
not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any

from twin.errors import UsageError

Scope = MutableMapping[str, Any]
MaySee = Callable[[Scope, str], bool]


def everything(_scope: Scope, _subject: str) -> bool:
    """The rule of a park that is open to all who reach its server."""
    return True


def rule_named(name: str) -> MaySee:
    """The rule at `package.module:function`; `everything` for an empty name.

    Raises
    ------
    UsageError
        If there is no such function.
    """
    from pkgutil import resolve_name  # noqa: PLC0415  only a server that has a rule needs it

    if not name:
        return everything
    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError("rule_missing", subject=name) from error


def outer_without(document: Mapping[str, Any], is_shown: Callable[[str], bool]) -> dict[str, Any]:
    """The tileset of the whole park with those of its tilesets alone whose folder `is_shown`, and a box around them alone."""
    root = dict(document["root"])
    children = [child for child in root.get("children", ()) if is_shown(_folder(child))]
    root["children"] = children
    root["geometricError"] = error = max((float(child["geometricError"]) for child in children), default=0.0)
    boxes = [child["boundingVolume"]["box"] for child in children if "box" in child["boundingVolume"]]
    if len(boxes) == len(children):
        root["boundingVolume"] = {"box": _around(boxes)}
    return dict(document) | {"geometricError": error, "root": root}


def _folder(child: Mapping[str, Any]) -> str:
    return str(child.get("content", {}).get("uri", "")).partition("/")[0]


def _around(boxes: list[list[float]]) -> list[float]:
    """The box [centre, three half axes] along the axes of the frame around boxes that may be turned."""
    if not boxes:
        return [0.0] * 12
    reach = [[sum(abs(box[3 + 3 * axis + k]) for axis in range(3)) for k in range(3)] for box in boxes]
    low = [min(box[k] - half[k] for box, half in zip(boxes, reach, strict=True)) for k in range(3)]
    high = [max(box[k] + half[k] for box, half in zip(boxes, reach, strict=True)) for k in range(3)]
    axes = [[(high[k] - low[k]) / 2 if k == axis else 0.0 for k in range(3)] for axis in range(3)]
    return [*((a + b) / 2 for a, b in zip(low, high, strict=True)), *chain.from_iterable(axes)]
