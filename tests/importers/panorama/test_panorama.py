"""Pictures with a position: written with Pillow's own EXIF, read back by the importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from importers.contract import Context, Imported, Options
from importers.panorama import IMPORTER
from twin.crs import Frame, wgs84_to_gcj02
from twin.errors import UnreadableSource
from twin.model import Park

FRAME = Frame(104.06, 30.54, 500.0)


def picture(path: Path, gps: dict[int, Any] | None = None, size: tuple[int, int] = (64, 48), xmp: str = "") -> Path:
    image = Image.new("RGB", size, (90, 120, 150))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Insta"
    exif[ExifTags.Base.DateTime] = "2026:03:01 10:20:30"
    if gps is not None:
        exif[ExifTags.IFD.GPSInfo] = gps
    image.save(path, exif=exif, **({"xmp": xmp.encode()} if xmp else {}))
    return path


def gps(lon: float = 104.0612, lat: float = 30.5405, **more: Any) -> dict[int, Any]:
    def dms(value: float) -> tuple[float, float, float]:
        return (int(value), int(value % 1 * 60), value * 60 % 1 * 60)

    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if lat >= 0 else "S", ExifTags.GPS.GPSLatitude: dms(abs(lat)),
        ExifTags.GPS.GPSLongitudeRef: "E" if lon >= 0 else "W", ExifTags.GPS.GPSLongitude: dms(abs(lon)),
    } | {getattr(ExifTags.GPS, name): value for name, value in more.items()}  # fmt: skip


def read(path: Path, **options: Any) -> Imported:
    return IMPORTER.read(path, Context(Park("p", FRAME), Options(**options)))


def test_position_height_and_heading(tmp_path: Path) -> None:
    said = gps(GPSAltitude=512.5, GPSAltitudeRef=b"\x00", GPSImgDirection=271.25, GPSImgDirectionRef="T")
    path = picture(tmp_path / "东门.jpg", said)
    assert IMPORTER.recognises(path, path.read_bytes()[:65536]) > 60
    found = read(path)
    layer, table = found.layers[0].layer, found.layers[0].table
    assert (layer.id, layer.kind) == ("panoramas", "panorama")
    assert (table.geometry[0].x, table.geometry[0].y) == pytest.approx((104.0612, 30.5405), abs=1e-7)
    assert table.row(0) == {
        "name": "东门", "image": "东门.jpg", "heading_deg": 271.25, "altitude_m": 512.5, "valid_from": "2026-03-01T10:20:30",
        "width_px": 64, "height_px": 48, "camera": "Insta",
    }  # fmt: skip
    assert found.assets == {"东门.jpg": path}


def test_a_whole_round_by_what_the_sphere_says(tmp_path: Path) -> None:
    said = '<x GPano:ProjectionType="equirectangular" GPano:PoseHeadingDegrees="-10.5" GPano:PosePitchDegrees="2"/>'
    row = read(picture(tmp_path / "a.jpg", gps(), xmp=said)).layers[0].table.row(0)
    assert (row["projection"], row["heading_deg"], row["pitch_deg"]) == ("equirectangular", 349.5, 2.0)


def test_south_and_west(tmp_path: Path) -> None:
    context = Context(Park("p", Frame(-58.4, -34.6)), Options())
    point = IMPORTER.read(picture(tmp_path / "a.jpg", gps(-58.4012, -34.6034)), context).layers[0].table.geometry[0]
    assert (point.x, point.y) == pytest.approx((-58.4012, -34.6034), abs=1e-7)


def test_a_shifted_position_is_put_back_when_asked(tmp_path: Path) -> None:
    lon, lat = wgs84_to_gcj02([[104.0612, 30.5405]])[0].tolist()
    point = read(picture(tmp_path / "a.jpg", gps(lon, lat)), datum="gcj02").layers[0].table.geometry[0]
    assert (point.x, point.y) == pytest.approx((104.0612, 30.5405), abs=1e-6)


def test_without_a_position_it_is_refused_or_placed_by_hand(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", size=(2000, 1000))
    with pytest.raises(UnreadableSource) as refused:
        read(path)
    assert refused.value.code == "panorama_without_position"
    found = read(path, place="104.06,30.54,0,45")
    assert found.layers[0].table.row(0)["heading_deg"] == 45
    with pytest.raises(UnreadableSource):
        read(picture(tmp_path / "zero.jpg", gps(0.0, 0.0)))


def test_a_table_names_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    picture(tmp_path / "pics/1.jpg")
    (tmp_path.parent / "secret.jpg").write_bytes(b"x")
    table = tmp_path / "points.csv"
    table.write_text(
        "id,lon,lat,图片,heading_deg\na,104.061,30.541,pics\\1.jpg,10\nb,104.062,30.541,gone.jpg,20\nc,104.063,30.541,../secret.jpg,30\n"
    )
    found = read(table)
    assert set(found.assets) == {"pics/1.jpg"}
    assert found.layers[0].layer.kind == "panorama"
    assert list(found.layers[0].table.column("image")) == ["pics/1.jpg", None, None]
    assert [issue.details["count"] for issue in found.issues if issue.code == "panorama_pictures_missing"] == [2]


def test_damaged_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(tmp_path / "b.jpg", gps()).read_bytes()[:30])
    assert IMPORTER.recognises(path, path.read_bytes()) == 0
    with pytest.raises(UnreadableSource) as refused:
        read(path)
    assert refused.value.code == "panorama_damaged"
    assert str(tmp_path) not in refused.value.text("en").replace(str(path), "")
