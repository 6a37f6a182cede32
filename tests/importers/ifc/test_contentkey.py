"""What a file says is taken from the cache only where it would be read the same: numbers of plain geometry may differ, nothing else."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import ifcopenshell
import pytest

from importers.ifc.content import read_content
from importers.ifc.contentkey import Saying, saying
from importers.ifc.steptext import read_statements

_NUMBER = re.compile(rb"(?<=[(, ])[+-]?\d+\.\d*(?:E[+-]?\d+)?(?=[,)])")
_FILE = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION((''),'2;1');
FILE_NAME('a','2026-01-01',(''),(''),'','','');
FILE_SCHEMA(('IFC4'));
ENDSEC;
DATA;
#1=IFCCARTESIANPOINT((0.,0.,0.));
#2=IFCAXIS2PLACEMENT3D(#1,$,$);
#3=IFCLOCALPLACEMENT($,#2);
#4=IFCCARTESIANPOINT((1.,2.));
#5=IFCAXIS2PLACEMENT2D(#4,$);
#6=IFCRECTANGLEPROFILEDEF(.AREA.,'\\X2\\5899\\X0\\',#5,4.,0.2);
#7=IFCDIRECTION((0.,0.,1.));
#8=IFCEXTRUDEDAREASOLID(#6,$,#7,3.);
#9=IFCSHAPEREPRESENTATION(#10,'Body','SweptSolid',(#8));
#10=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#12,$);
#11=IFCCARTESIANPOINT((0.,0.,0.));
#12=IFCAXIS2PLACEMENT3D(#11,$,$);
#13=IFCPRODUCTDEFINITIONSHAPE($,$,(#9));
#14=IFCWALL('0000000000000000000001',$,'W',$,$,#3,#13,$,$);
#15=IFCCARTESIANPOINT((7.,8.,9.));
#16=IFCAXIS2PLACEMENT3D(#15,$,$);
#17=IFCLOCALPLACEMENT($,#16);
#18=IFCSPACE('0000000000000000000002',$,'S',$,$,#17,$,$,$,$,$);
ENDSEC;
END-ISO-10303-21;
"""


def _said(path: Path, text: str | bytes) -> Saying | None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    statements = read_statements(path)
    assert statements is not None
    return saying(statements)


def _is_taken(folder: Path, old: str, new: str) -> bool:
    """Whether the content of `old` would be taken for that of `new`."""
    before, after = _said(folder / "old.ifc", old), _said(folder / "new.ifc", new)
    if before is None or after is None:
        return False
    return before.fingerprint.key == after.fingerprint.key and after.is_same(before.fingerprint.left_out, folder / "new.ifc")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("2026-01-01", "2026-02-02"),  # when it was written
        ("#4=IFCCARTESIANPOINT((1.,2.))", "#4=IFCCARTESIANPOINT((-1.5E-3,2.25))"),
        ("#5,4.,0.2)", "#5,4.5,0.2)"),
        ("#7,3.)", "#7,3.25)"),
        ("#1=IFCCARTESIANPOINT((0.,0.,0.))", "#1=IFCCARTESIANPOINT((0.,0.,2.))"),  # the wall is moved
        ("X2\\5899", "X2\\5898"),  # the profile's name: no material refers to it
        ("HEADER;", "HEADER;\n/* a program and its version */"),
    ],
)
def test_numbers_of_bodies_and_places_of_elements_are_no_content(tmp_path, old, new):
    assert old in _FILE
    assert _is_taken(tmp_path, _FILE, _FILE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'W'", "'V'"),
        ("#15=IFCCARTESIANPOINT((7.,8.,9.))", "#15=IFCCARTESIANPOINT((7.,8.,9.5))"),  # a space is moved
        ("#11=IFCCARTESIANPOINT((0.,0.,0.))", "#11=IFCCARTESIANPOINT((0.,0.,1.))"),  # the model's world
        ("(#8)", "(#6)"),  # another kind of body
        ("'Body'", "'Axis'"),
        ("#7,3.)", "#1,3.)"),
        ("IFCWALL", "IFCSLAB"),
        ("'IFC4'", "'IFC2X3'"),
        ("#4=", "#44="),
        ("#7,3.)", "#7,3)"),  # no real number any more
        ("#7,3.)", "#7,3.1.4)"),
        ("#7,3.)", "#7,$)"),
        ("#7,3.)", "#7,3.,4.)"),
        ("((1.,2.))", "((1.))"),
        ("((1.,2.))", "(1.,2.)"),
        ("((1.,2.))", "(('1.',2.))"),
        ("#18=", "#19=IFCWALL('0000000000000000000003',$,'X',$,$,#3,#13,$,$);\n#18="),
        ("#14=IFCWALL('0000000000000000000001',$,'W',$,$,#3,#13,$,$);\n", ""),
        ("#18=", "what is this;\n#18="),
        ("#18=", "/* #4 */#18="),
        ("HEADER;", "HEADER;\n/* a program; its version */"),  # nobody knows where that comment ends
        ("END-ISO-10303-21;", "END-ISO-10303-21;\n#20=IFCWALL"),
        ("#3,#13,$", "#3,#99,$"),
    ],
)
def test_everything_else_is(tmp_path, old, new):
    assert old in _FILE
    assert not _is_taken(tmp_path, _FILE, _FILE.replace(old, new))


def test_a_profile_that_a_material_names_is_content(tmp_path):
    text = _FILE.replace("#18=", "#20=IFCMATERIALPROFILE('p',$,$,#6,$,$);\n#18=")
    assert _is_taken(tmp_path, text, text.replace("#7,3.)", "#7,4.)"))
    assert not _is_taken(tmp_path, text, text.replace("X2\\5899", "X2\\5898"))


def test_the_place_of_an_element_that_a_port_stands_in_is_content(tmp_path):
    port = "#20=IFCLOCALPLACEMENT(#3,#2);\n#21=IFCDISTRIBUTIONPORT('0000000000000000000004',$,$,$,$,#20,$,$,$,$);\n"
    text = _FILE.replace("#18=", f"{port}#18=")
    assert not _is_taken(tmp_path, text, text.replace("#1=IFCCARTESIANPOINT((0.,0.,0.))", "#1=IFCCARTESIANPOINT((0.,0.,2.))"))


def test_places_in_places_without_end_have_no_key(tmp_path):
    for depth in (50, 50_000):
        chain = "".join(f"#{k}=IFCLOCALPLACEMENT(#{k + 1},#2);\n" for k in range(100, 100 + depth))
        text = _FILE.replace(
            "#18=IFCSPACE('0000000000000000000002',$,'S',$,$,#17",
            f"{chain}#{100 + depth}=IFCLOCALPLACEMENT($,#2);\n#18=IFCSPACE('0000000000000000000002',$,'S',$,$,#100",
        )
        assert (_said(tmp_path / "deep.ifc", text) is None) == (depth > 100)


@pytest.mark.parametrize(
    "name", ["arch/IfcOpenHouse_IFC4.ifc", "mep/3rooms_Heater_AirTerminal_Table_with_SB.ifc", "zh/TestModel_IFC4Add2.ifc"]
)
def test_content_does_not_look_at_any_number_that_is_left_out(shared_data, tmp_path, name):
    path = shared_data / "ifc" / name
    before = _said(tmp_path / "old.ifc", path.read_bytes())
    assert before is not None
    scrambled = _scrambled(path.read_bytes(), sorted(before.at.tolist()))
    after = _said(tmp_path / "new.ifc", scrambled)
    assert after is not None
    assert (before.fingerprint.left_out != after.fingerprint.left_out).mean() > 0.99
    assert after.fingerprint.key == before.fingerprint.key
    assert _content(tmp_path / "new.ifc") == _content(tmp_path / "old.ifc")


def _scrambled(data: bytes, at: list[int]) -> bytes:
    """The file with every number in some statements another."""
    chance, pieces, last = random.Random(1), [], 0
    for start in at:
        end = data.index(b";", start)
        pieces.append(data[last:start])
        pieces.append(_NUMBER.sub(lambda found: b"%.6f" % (float(found[0]) * chance.uniform(0.5, 1.5) + chance.random()), data[start:end]))
        last = end
    return b"".join([*pieces, data[last:]])


def _content(path: Path) -> str:
    content, risks = read_content(ifcopenshell.open(str(path)))
    return json.dumps([content, sorted(risks.items())], default=str)
