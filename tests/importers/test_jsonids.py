from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from importers.contract import Context, Imported, Options
from importers.recognise import find
from twin.crs import Frame
from twin.errors import CRSError
from twin.model import Park

LON, LAT = 120.6, 31.3


def read(path: Path) -> Imported:
    return find(path).read(path, Context(Park("Test", Frame(LON, LAT)), Options()))


def feature(k: int = 0, **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"n": k, **said}, "geometry": {"type": "Point", "coordinates": [LON + k * 1e-3, LAT]}}


@pytest.mark.parametrize("long", [2**63, 10**30, -(10**19)])
def test_whole_numbers_beyond_64_bits_keep_their_digits(tmp_path: Path, long: int) -> None:
    told = {"long": long, "text": "1,99999999999999999999999,2", "int": 2**63 - 1}
    for name, content in (
        ("a.geojson", json.dumps({"type": "FeatureCollection", "features": [feature(0, **told)]}, indent=1)),
        ("a.geojsonl", f"{json.dumps(feature(0, **told))}\n{json.dumps(feature(1))}\n"),
    ):
        (tmp_path / name).write_text(content)
        table = read(tmp_path / name).layers[0].table
        assert [table.column(each)[0] for each in told] == [str(long), told["text"], told["int"]]


@pytest.mark.parametrize(
    ("stated", "crs"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "EPSG:4326"),
        ({"type": "EPSG", "properties": {"code": 4490}}, "EPSG:4490"),
        ({"type": "name", "properties": {"name": "CGCS2000"}}, "EPSG:4490"),
        ("EPSG:4490", "EPSG:4490"),
        (None, "EPSG:4326"),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}, None),
        ({"type": "link", "properties": {"href": "crs.wkt"}}, None),
    ],
)
def test_the_crs_member_of_geojson_as_it_is_met(tmp_path: Path, stated: Any, crs: str | None) -> None:
    fields = feature(0, crs="EPSG:4549")
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "crs": stated, "features": [fields]}))
    if crs is not None:
        assert read(tmp_path / "a.geojson").crs == crs
        return
    with pytest.raises(CRSError) as caught:
        read(tmp_path / "a.geojson")
    assert caught.value.code == "crs_not_understood"
    assert "EPSG:4326" in str(caught.value.details["candidates"])
