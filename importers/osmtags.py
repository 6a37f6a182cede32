"""What OpenStreetMap tags mean to a park: which layer or device an object is, and its attributes under our names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from importers.values import azimuth, date, number
from twin.model import Device, Issue

Tags = Mapping[str, str]
_SOCKET = re.compile(r"socket:[^:]+$")
_RANGE = re.compile(r"(\d+(?:\.\d+)?|[NESW]{1,3})°?\s*-\s*(\d+(?:\.\d+)?|[NESW]{1,3})°?", re.IGNORECASE)
_POWER = re.compile(r"socket:[^:]+:output$")
_RADIO = {
    "communication:5g": "NR",
    "communication:nr": "NR",
    "communication:lte": "LTE",
    "communication:umts": "UMTS",
    "communication:gsm": "GSM",
}
_DOME_LOOKS = {"fixed": "fixed", "panning": "ptz", "dome": "ptz"}  # camera:type; a dome whose direction is mapped is taken as fixed


@dataclass(frozen=True)
class Rule:
    """One rule of `osm.toml`: the tags that make an object this, those that must go with them, and those that rule it out."""

    kind: str
    when: Mapping[str, Sequence[str]]
    also: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    unless: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    layer: str = ""
    shape: str = ""
    class_: str = ""

    def fits(self, tags: Tags) -> bool:
        """Whether an object with these tags is this."""
        return _any(self.when, tags) and (not self.also or _any(self.also, tags)) and not _any(self.unless, tags)

    def class_of(self, tags: Tags) -> str | None:
        """The class of an object: the value of its telling tag, or of the first tag that made the rule fit."""
        value = tags.get(self.class_) or next((tags[key] for key in self.when if key in tags), None)
        return None if value == "yes" else value


def layer_rule(tags: Tags, shape: str) -> Rule | None:
    """The layer an object of this shape (`area`, `line`, `point`) belongs to; None where it is no feature of a park."""
    return next((rule for rule in _rules()[0].get(shape, ()) if rule.fits(tags)), None)


def device_kinds(tags: Tags) -> list[str]:
    """The kinds of device an object is: mostly none, two where a camera hangs on a mapped lamp."""
    return list(dict.fromkeys(rule.kind for rule in _rules()[1] if rule.fits(tags)))


@cache
def keys() -> frozenset[str]:
    """Every key a rule asks for: objects without any of them need not be looked at."""
    by_shape, devices = _rules()
    return frozenset(key for rules in [*by_shape.values(), devices] for rule in rules for key in rule.when)


def status(tags: Tags) -> str | None:
    """`building` or `planned` where the tags say an object is not there yet."""
    for key in ("highway", "building", "railway"):
        if tags.get(key) in {"construction", "proposed"}:
            return "building" if tags[key] == "construction" else "planned"
    return None


def device(kind: str, identity: str, lonlat: tuple[float, float], tags: Tags, source: str) -> tuple[Device, list[Issue]]:
    """The device an object is, with its tags and what they mean, and an Issue for each value that cannot be read."""
    issues: list[Issue] = []
    read = _Reader(tags, f"{source}/{identity}", issues)
    attributes: dict[str, Any] = {**tags, **_ATTRIBUTES.get(kind, _none)(tags, read)}
    made = Device(
        id=identity,
        kind=kind,
        name=tags.get("name") or tags.get("ref") or identity,
        lon=lonlat[0],
        lat=lonlat[1],
        height_m=read("height", lambda value: number(value, "m")),
        status="planned" if status(tags) else "in_service",
        valid_from=date(tags.get("start_date")),
        source=source,
        attributes={name: value for name, value in attributes.items() if value is not None and name not in {"height", "name"}},
    )
    return made, issues


@dataclass(frozen=True)
class _Reader:
    """Reads one tag; what cannot be read becomes an Issue and None."""

    tags: Tags
    subject: str
    issues: list[Issue]

    def __call__(self, key: str, reader: Callable[[str], Any]) -> Any:
        if key not in self.tags:
            return None
        try:
            return reader(self.tags[key])
        except ValueError:
            self.issues.append(Issue("value_not_readable", "warning", self.subject, {"column": key, "value": self.tags[key]}))
            return None


def directions(text: str) -> dict[str, Any]:
    """What a direction tag says: one azimuth, a range `90-180` as its middle and width, or several `0;180` as presets.

    Raises
    ------
    ValueError
        If a part is no direction.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) > 1:
        return {"azimuth_deg": azimuth(parts[0]), "ptz": "multi", "presets": ";".join(f"{azimuth(part):g}" for part in parts)}
    ends = _RANGE.fullmatch(parts[0]) if parts else None
    if ends is None:
        return {"azimuth_deg": azimuth(parts[0])} if parts else {}
    start, end = azimuth(ends[1]), azimuth(ends[2])
    if start is None or end is None:
        raise ValueError(text)
    width = (end - start) % 360.0
    return {"azimuth_deg": (start + width / 2) % 360.0, "hfov_deg": width}


def _camera(tags: Tags, read: _Reader) -> dict[str, Any]:
    key = "camera:direction" if "camera:direction" in tags else "direction"
    looks = read(key, directions) or {}
    kind = tags.get("camera:type", "")
    turned = "fixed" if kind == "dome" and "azimuth_deg" in looks else _DOME_LOOKS.get(kind)
    return {
        "ptz": turned,
        "tilt_deg": read("camera:angle", lambda value: number(value, "deg")),
        "mount": tags.get("camera:mount"),
        "mounted_on": tags.get("camera:mount"),
        **looks,
    }


def _charger(tags: Tags, read: _Reader) -> dict[str, Any]:
    sockets = [read(key, lambda value: number(value, "1")) for key in tags if _SOCKET.match(key) and tags[key] != "yes"]
    powers = [read(key, lambda value: number(value.split(";")[0], "kW")) for key in tags if _POWER.match(key)]
    capacity = read("capacity", lambda value: number(value, "1"))
    count = capacity if capacity is not None else sum(value for value in sockets if value)
    return {"connectors": round(count) if count else None, "power_kw": max((value for value in powers if value), default=None)}


def _cell(tags: Tags, read: _Reader) -> dict[str, Any]:
    technology = next((name for key, name in _RADIO.items() if tags.get(key) == "yes"), None)
    return {
        "technology": technology,
        "azimuth_deg": (read("direction", directions) or {}).get("azimuth_deg"),
        "operator": tags.get("operator"),
    }


def _lamp(tags: Tags, read: _Reader) -> dict[str, Any]:  # noqa: ARG001  the shape all kinds have
    return {
        "lumens": read("light:flux", lambda value: number(value, "lm")),
        "azimuth_deg": (read("light:direction", directions) or {}).get("azimuth_deg"),
    }


def _none(tags: Tags, read: _Reader) -> dict[str, Any]:  # noqa: ARG001  kinds of which the tags say nothing measurable
    return {}


_ATTRIBUTES: Mapping[str, Callable[[Tags, _Reader], dict[str, Any]]] = {
    "camera": _camera,
    "charger": _charger,
    "cell": _cell,
    "lamp": _lamp,
}


def _any(wanted: Mapping[str, Sequence[str]], tags: Tags) -> bool:
    return any(key in tags and ("*" in values or tags[key] in values) for key, values in wanted.items())


@cache
def _rules() -> tuple[Mapping[str, Sequence[Rule]], Sequence[Rule]]:
    """The layer rules by shape, and the device rules."""
    table = tomllib.loads(files("importers").joinpath("osm.toml").read_text("utf-8"))
    layers = [Rule(**{("class_" if key == "class" else key): value for key, value in row.items()}) for row in table["layers"]]
    return (
        {shape: [rule for rule in layers if shape in rule.shape.split()] for shape in ("area", "line", "point")},
        [Rule(**row) for row in table["devices"]],
    )
