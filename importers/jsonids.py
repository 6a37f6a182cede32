"""What GDAL does not do with a GeoJSON file: tell which coordinate system it states and whether its ids count from 0, read long numbers."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

# { "type": "EPSG", "properties": { "code": 4549 } }, or a name or a link in the properties; against the rule, the name itself
_CRS = re.compile(
    rb""""crs"\s*:\s*\{[^{}]*"properties"\s*:\s*\{[^{}]*?"(?:code"\s*:\s*"?(?P<code>\d+)|(?:name|href)"\s*:\s*"(?P<name>[^"]+))"""
)
_BARE_CRS = re.compile(rb'''"crs"\s*:\s*"(?P<name>(?:EPSG|ESRI|urn|OGC):[^"]+)"''', re.IGNORECASE)
_HEAD_BYTES, _TAIL_BYTES = 65_536, 4096
_BLOCK = 1 << 22
_LONG = re.compile(rb"[:\[,\s]-?\d{19,}\s*[,}\]\s]")
_HALF = 1 << 63
_MOST_DIGITS = 20


def stated_crs(path: Path) -> str | None:
    """The name in the `crs` member of GeoJSON 2008, before or after the features; None where there is none, or none that says anything."""
    with path.open("rb") as stream:
        start = stream.read(_HEAD_BYTES)
        stream.seek(-min(path.stat().st_size, _TAIL_BYTES), 2)
        found = _CRS.search(start + stream.read()) or _BARE_CRS.search(start.partition(b'"features"')[0])
    if found is None:
        return None
    said = {name: text.decode("utf-8", "replace") for name, text in found.groupdict().items() if text}
    return f"EPSG:{said['code']}" if "code" in said else said["name"]


def counts_from_zero(path: Path) -> bool:
    """Whether the first features have ids that count from 0, as GDAL counts where there are none."""
    with path.open("rb") as stream:
        return re.search(rb'"id"\s*:\s*"?0"?\s*[,}]', stream.read(_HEAD_BYTES)) is not None


def has_long_numbers(path: Path) -> bool:
    """Whether there may be whole numbers of more digits than 64 bits hold: GDAL refuses the file, or loses the last digits."""
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(_BLOCK):
            if _LONG.search(rest + block):
                return True
            rest = block[-40:]
    return False


def long_numbers_as_text(text: str) -> str:
    """The document with such numbers as text, digit by digit as they were; itself where it has none or is no JSON."""
    if not _LONG.search(text.encode("utf-8", "replace")):
        return text
    for parts in ([text], text.splitlines()):  # one document, or one in each line
        with suppress(ValueError, RecursionError):
            return "\n".join(_written(part) for part in parts if part.strip())
    return text


def _written(text: str) -> str:
    return json.dumps(json.loads(text, parse_int=_whole), ensure_ascii=False)


def _whole(digits: str) -> int | str:
    return digits if len(digits) > _MOST_DIGITS or not -_HALF <= int(digits) < _HALF else int(digits)
