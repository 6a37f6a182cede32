"""What the kernel skips in silence is told."""

from __future__ import annotations

import ifcopenshell
import pytest

from importers.ifc.faults import TooBroken, faults
from twin.errors import UnreadableSource


@pytest.fixture
def text(new_house, tmp_path):
    house = new_house()
    for k in range(4):
        house.box("IfcWall", f"W{k}", (1.0, 0.2, 2.0), at=(2.0 * k, 0.0, 0.0))
    return house.save(tmp_path / "whole.ifc").read_text()


def _faults(path, text):
    path.write_text(text)
    ifcopenshell.get_log()  # what earlier tests left
    file = ifcopenshell.open(str(path))
    return faults(path, file, ifcopenshell.get_log())


def test_a_whole_file_has_none(text, tmp_path):
    assert _faults(tmp_path / "a.ifc", text) == []


def test_a_class_that_does_not_exist_is_one_statement_lost_and_its_references_miss_it(text, tmp_path):
    issues = {issue["code"]: issue["details"] for issue in _faults(tmp_path / "a.ifc", text.replace("IFCWALL(", "IFCNONSENSE(", 1))}
    assert issues["ifc_statements_unread"]["count"] == 1
    assert "IFCNONSENSE" in issues["ifc_statements_unread"]["first"]
    assert issues["ifc_references_missing"]["count"] >= 1


def test_a_file_mostly_lost_is_too_broken(text, tmp_path):
    with pytest.raises(TooBroken, match="statements cannot be read"):
        _faults(tmp_path / "a.ifc", text.replace("IFCUNITASSIGNMENT(", "IFCUNITASSIGNMENT((((", 1))


def test_the_rest_of_a_file_with_a_lost_statement_is_imported_and_the_loss_is_reported(text, read, tmp_path):
    path = tmp_path / "b.ifc"
    path.write_text(text.replace("IFCWALL(", "IFCNONSENSE(", 1))
    imported = read(path)
    assert {element.state for element in imported.models[0].elements} == {"built"}
    assert len(imported.models[0].elements) == 3
    assert "ifc_statements_unread" in {issue.code for issue in imported.issues}


def test_a_file_mostly_lost_is_refused(text, read, tmp_path):
    path = tmp_path / "c.ifc"
    path.write_text(text.replace("IFCUNITASSIGNMENT(", "IFCUNITASSIGNMENT((((", 1))
    with pytest.raises(UnreadableSource) as caught:
        read(path)
    assert caught.value.code == "ifc_syntax"
    assert "c.ifc" in caught.value.text("zh")
