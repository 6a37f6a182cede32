from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import archive
from importers.archive import Limits, first_bytes, member, names, packed, plain, unpacked
from importers.contract import Context, Options
from importers.recognise import find
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def refusal(path: Path, folder: Path, limits: Limits = archive.STANDARD) -> str:
    with pytest.raises(UnreadableSource) as caught:
        unpacked(path, folder, limits)
    for lang in ("en", "zh"):
        assert "{" not in caught.value.text(lang)
        assert caught.value.hint(lang)
    return caught.value.code


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    files = {"a.txt": b"one", "in/b.bin": bytes(range(256)) * 500, "in/deep/c": b"", "道路.geojson": "东门".encode()}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = zipped(tmp_path / f"{method}.zip", {**files, "__MACOSX/._a.txt": b"x", "in/.DS_Store": b"x"}, method)
        folder = tmp_path / str(method)
        made = unpacked(path, folder)
        assert {str(file.relative_to(folder)): file.read_bytes() for file in made} == files
        assert sorted(names(path)) == sorted(files)
        assert member(path, "in/b.bin") == files["in/b.bin"]


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_packed_streams(tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
    data = b"<kml>" + bytes(100_000)
    path = tmp_path / f"a.kml{ending}"
    path.write_bytes(pack(data))
    with plain(path) as file:
        assert (file.name, file.read_bytes()) == ("a.kml", data)
    assert not file.exists()
    assert first_bytes(path.read_bytes()[:65_536]).startswith(b"<kml>")
    path.write_bytes(pack(data)[:-9])
    assert refusal(path, tmp_path / "cut") == "archive_damaged"


def test_what_is_not_packed_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_bytes(b"<kml/>")
    with plain(path) as file:
        assert file == path
    assert (packed(b"<kml/>"), first_bytes(b"<kml/>")) == (None, b"<kml/>")


@pytest.mark.parametrize(
    "name", ["../a", "in/../../a", "/etc/a", "C:\\a", "c:/a", "..\\a", "in\\..\\..\\a", "a\x01b", "x" * 300],
)  # fmt: skip
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", {name: b"x"})
    assert refusal(path, tmp_path / "out") == "archive_unsafe_name"
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} <= {"a.zip"}


def test_windows_separators_are_folders(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"in\\roads.shp": b"x"})
    assert unpacked(path, tmp_path / "out") == [tmp_path / "out" / "in" / "roads.shp"]


def test_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "/etc/passwd")
    assert refusal(path, tmp_path / "out") == "archive_link"


def test_encrypted_and_unknown_methods_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"a.txt": b"one"}).read_bytes())
    central = data.rfind(b"PK\x01\x02")
    locked, other = bytearray(data), bytearray(data)
    locked[central + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    other[central + 10] = 9
    (tmp_path / "other.zip").write_bytes(other)
    assert refusal(tmp_path / "locked.zip", tmp_path / "1") == "archive_encrypted"
    assert refusal(tmp_path / "other.zip", tmp_path / "2") == "archive_method"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_equal_names_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("a", b"1")
        made.writestr("a", b"2")
    assert refusal(tmp_path / "a.zip", tmp_path / "out") == "archive_duplicate"


def test_a_file_where_a_folder_has_to_be(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path / "a.zip", {"a": b"1", "a/b": b"2"}), tmp_path / "out") == "archive_unsafe_name"


def test_bombs_are_stopped_by_ratio_by_size_and_by_count(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"zeros": bytes(30_000_000)})
    assert refusal(path, tmp_path / "1", Limits(free_bytes=1_000_000)) == "archive_ratio"
    assert refusal(path, tmp_path / "2", Limits(total_bytes=1_000_000)) == "archive_too_large"
    assert sum(file.stat().st_size for file in (tmp_path / "2").iterdir()) < 3_000_000  # stopped on the way
    many = zipped(tmp_path / "b.zip", {f"f{k}": b"" for k in range(50)})
    assert refusal(many, tmp_path / "3", Limits(entries=40)) == "archive_entries"
    stream = tmp_path / "c.gz"
    stream.write_bytes(gzip.compress(bytes(30_000_000)))
    assert refusal(stream, tmp_path / "4", Limits(free_bytes=1_000_000)) == "archive_ratio"
    with pytest.raises(UnreadableSource):
        archive.checked(path, Limits(free_bytes=1_000_000))
    archive.checked(path)


def test_archives_in_archives_are_opened_to_a_depth(tmp_path: Path) -> None:
    inner = b"deepest"
    name = "a.txt"
    for level in range(6):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as made:
            made.writestr(name, inner)
        inner, name = stream.getvalue(), f"{level}.zip"
        (tmp_path / name).write_bytes(inner)
    assert [file.read_bytes() for file in unpacked(tmp_path / "1.zip", tmp_path / "ok")] == [b"deepest"]
    assert refusal(tmp_path / "5.zip", tmp_path / "no") == "archive_nested"


def fifield(path: Path, count: int = 20) -> Path:
    """A bomb whose members share one kernel of bytes: each local header but the last is quoted by a stored block of the one before."""
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = kernel.compress(bytes(1_000_000)) + kernel.flush()
    crc, offsets, data = zlib.crc32(bytes(1_000_000)), [], b""
    for k in range(count):
        offsets.append(len(data))
        data += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(body), 1_000_000, 4, 0) + f"{k:04}".encode()
    start = len(data)
    data += body
    entries = b"".join(
        struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, start - at - 34 + len(body),
                    1_000_000, 4, 0, 0, 0, 0, 0, at)
        + f"{k:04}".encode()
        for k, at in enumerate(offsets)
    )  # fmt: skip
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(data), 0)
    path.write_bytes(data + entries + end)
    return path


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    assert refusal(fifield(tmp_path / "a.zip"), tmp_path / "out") == "archive_overlap"


def test_sizes_that_lie_do_not_let_more_through(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"zeros": bytes(5_000_000)}).read_bytes())
    central = data.rfind(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 10)  # five million bytes are said to be ten
    (tmp_path / "lie.zip").write_bytes(data)
    assert refusal(tmp_path / "lie.zip", tmp_path / "out") == "archive_damaged"
    assert all(file.stat().st_size <= 10 for file in (tmp_path / "out").iterdir())


def test_a_directory_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b""})
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x05\x06") + 12 :][:4] = struct.pack("<I", 1 << 30)
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 1 << 30)
    path.write_bytes(data)
    assert refusal(path, tmp_path / "out") == "archive_entries"


@pytest.mark.parametrize("encoding", ["gbk", "big5", "shift_jis", "utf-8"])
def test_names_in_old_encodings(tmp_path: Path, encoding: str) -> None:
    wanted = {
        "gbk": ["道路中心线.shp", "说明文件.txt"],
        "big5": ["道路中心線.shp", "停車場.dbf"],
        "shift_jis": ["道路ネットワーク.shp", "建物の高さ.dbf"],
    }
    listed = wanted.get(encoding, ["道路中心线.shp", "说明.txt"])
    stand_ins = [f"{k:x>{len(name.encode(encoding))}}" for k, name in enumerate(listed)]
    data = zipped(tmp_path / "a.zip", dict.fromkeys(stand_ins, b"-")).read_bytes()
    for stand_in, name in zip(stand_ins, listed, strict=True):
        data = data.replace(stand_in.encode(), name.encode(encoding))
    (tmp_path / "a.zip").write_bytes(data)
    assert names(tmp_path / "a.zip") == listed
    assert sorted(file.name for file in unpacked(tmp_path / "a.zip", tmp_path / "out")) == sorted(listed)


def test_zip64(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made, made.open("a.bin", "w", force_zip64=True) as stream:
        stream.write(b"content")
    assert [file.read_bytes() for file in unpacked(path, tmp_path / "out")] == [b"content"]


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 390))
def test_damage_anywhere_is_one_sentence(noise: bytes, at: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = zipped(Path(folder) / "a.zip", {"a.txt": b"one" * 30, "b/c.bin": bytes(range(200))})
        data = path.read_bytes()
        path.write_bytes(data[:at] + noise + data[at + len(noise) // 2 :])
        try:
            made = unpacked(path, Path(folder) / "out")
        except UnreadableSource:
            return
        assert all(file.is_relative_to(Path(folder) / "out") for file in made)


def test_an_archive_of_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert names(tmp_path / "empty.zip") == []
    with pytest.raises(UnreadableSource) as caught:
        find(tmp_path / "empty.zip").read(tmp_path / "empty.zip", Context(Park("Test", Frame(120.6, 31.3)), Options()))
    assert caught.value.code == "bundle_empty"


def test_bytes_lost_before_a_member_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.kml", b"x" * 500)
    path.write_bytes(path.read_bytes()[100:])  # the place of the first member is now before the file
    with pytest.raises(UnreadableSource) as caught:
        names(path)
    assert caught.value.code == "archive_damaged"
