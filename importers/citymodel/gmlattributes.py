"""What CityGML says of an object besides its shape: plain values, measures, codes, generic attributes, addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from importers.citymodel.gmlgeometry import HREF, Tree, local, space

_FEET = {"ft", "foot", "feet", "#ft", "urn:ogc:def:uom:epsg::9002", "[ft_i]"}
_NUMBERS = {"doubleAttribute", "DoubleAttribute", "measureAttribute", "MeasureAttribute"}
_WHOLE = {"intAttribute", "IntAttribute"}
_SKIPPED = {"metaDataProperty", "description", "relatedTo", "generalizesTo", "identifier", "validFrom", "engineeringCRS", "dynamizer"}
# parts of an address in xAL 2 and 3, in the order they are said in
_ADDRESS = (
    "CountryName", "AdministrativeAreaName", "LocalityName", "ThoroughfareName", "ThoroughfareNumber", "PostalCodeNumber", "NameElement",
    "Number", "Identifier", "AddressLine",
)  # fmt: skip


@dataclass
class Said:
    """What was said so far."""

    name: str = ""
    lod: str = ""  # of a relief
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    addresses: list[str] = field(default_factory=list[str])

    def put(self, name: str, value: Any) -> None:
        """Keep a value; what is said twice becomes a list."""
        if value is None or value == "":
            return
        if name not in self.attributes:
            self.attributes[name] = value
        elif self.attributes[name] != value:
            there = self.attributes[name]
            self.attributes[name] = [*there, value] if isinstance(there, list) else [there, value]


def say(said: Said, prop: Tree) -> None:
    """Take what a property says that holds no geometry and no object."""
    name = local(prop)
    if name in _SKIPPED or (prop.get(HREF) and not len(prop)):
        return
    if name == "name":
        said.name = said.name or _text(prop)
    elif name == "lod":
        said.lod = _text(prop)
    elif name in {"address", "xalAddress"}:
        _address(said, prop)
    elif name == "height" and any(local(child) == "Height" for child in prop):
        _height(said, prop)
    elif "generics" in space(prop) or name == "genericAttribute":
        _generic(said, prop, "")
    elif len(prop):
        _nested(said, prop, name)
    else:
        _plain(said, prop, name)


def _text(element: Tree) -> str:
    return " ".join((element.text or "").split())


def _plain(said: Said, prop: Tree, name: str) -> None:
    """A value as text, or as a number in metres where it is a measure."""
    text, unit = _text(prop), str(prop.get("uom") or "")
    if unit or name in {"storeysAboveGround", "storeysBelowGround", "measuredHeight"}:
        value = _number(text)
        said.put(name, text if value is None else value * 0.3048 if unit.lower() in _FEET else value)
        return
    said.put(name, text)
    if prop.get("codeSpace"):
        said.attributes.setdefault(f"{name}_codespace", str(prop.get("codeSpace")))


def _number(text: str) -> float | int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and "." not in text else value


def _height(said: Said, prop: Tree) -> None:
    """CityGML 3: heights between named points of a building; the highest of them is its height."""
    for each in prop.iter("{*}Height"):
        parts = {local(child): child for child in each}
        value = _number(_text(parts["value"])) if "value" in parts else None
        if value is None:
            continue
        if str(parts["value"].get("uom") or "").lower() in _FEET:
            value *= 0.3048
        between = [_text(parts[part]) for part in ("lowReference", "highReference") if part in parts]
        said.put(f"height {' – '.join(between)}".strip(), value)
        said.attributes["measuredHeight"] = max(value, said.attributes.get("measuredHeight", value))


def _generic(said: Said, prop: Tree, prefix: str) -> None:
    """An attribute with a name of the maker's own, or a set of them."""
    for each in (prop, *prop) if local(prop) != "genericAttribute" else prop:
        name = str(each.get("name") or next((_text(child) for child in each if local(child) == "name"), ""))
        inner = [child for child in each if local(child) == "genericAttribute" or local(child).endswith(("Attribute", "AttributeSet"))]
        if inner:
            for child in inner:
                _generic(said, child, f"{prefix}{name}." if name else prefix)
            return
        value = next((child for child in each if local(child) == "value"), None)
        if name and value is not None:
            said.put(prefix + name, _typed(local(each), _text(value)))


def _typed(kind: str, text: str) -> Any:
    if kind not in _NUMBERS | _WHOLE:
        return text
    value = _number(text)
    return text if value is None else value


def _nested(said: Said, prop: Tree, name: str) -> None:
    """Whatever else has structure: its leaves, under their names joined."""
    for leaf in prop.iter("*"):
        if not len(leaf) and _text(leaf):
            said.put(f"{name}.{local(leaf)}", _text(leaf))


def _address(said: Said, prop: Tree) -> None:
    found: dict[str, list[str]] = {}
    for leaf in prop.iter("*"):
        if local(leaf) in _ADDRESS and _text(leaf):
            found.setdefault(local(leaf), []).append(_text(leaf))
    words = [word for part in _ADDRESS for word in found.get(part, ())]
    if words:
        said.addresses.append(", ".join(dict.fromkeys(words)))
