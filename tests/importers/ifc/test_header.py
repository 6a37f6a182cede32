"""When a file was written, as its header says."""

from __future__ import annotations

from pathlib import Path

import pytest

from importers.ifc.header import written_at

HEAD = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(('ViewDefinition'),'2;1');\n{}\nFILE_SCHEMA(('IFC4'));\nENDSEC;\nDATA;\nENDSEC;\n"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("FILE_NAME('a.ifc','2011-09-07T12:40:02',('x'),(''),'p','s','');", "2011-09-07T12:40:02"),
        (
            "FILE_NAME ( 'it''s, ''2001-01-01'' a.ifc' , /* when */ '2020-02-29T23:59:59+08:00',(''),(''),'','','');",
            "2020-02-29T23:59:59+08:00",
        ),
        ("file_name($,'20200229T235959',(''),(''),'','','');", "2020-02-29T23:59:59"),
        ("FILE_NAME('a','2021-03-04',(''),(''),'','','');", "2021-03-04T00:00:00"),
        ("FILE_NAME('a','',(''),(''),'','','');", None),
        ("FILE_NAME('a','gestern \xe9',(''),(''),'','','');", None),
        ("", None),
    ],
)
def test_the_time_stamp_of_a_file(tmp_path: Path, said: str, written: str | None) -> None:
    path = tmp_path / "a.ifc"
    path.write_bytes(HEAD.format(said).encode("latin-1"))
    assert written_at(path) == written


def test_real_files_say_when_they_were_written(shared_data: Path) -> None:
    found = {path.name: written_at(path) for path in sorted((shared_data / "ifc/arch").glob("*.ifc"))}
    assert all(found.values())
    assert found["Duplex_A_20110907.ifc"][:7] == "2011-09"
