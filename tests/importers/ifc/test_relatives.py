"""Models of one project beside each other: units that were mixed up, origins that were moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from importers.contract import Context, Options, Relative
from importers.ifc import IMPORTER
from importers.ifc.relatives import beside_relatives
from twin.crs import Frame
from twin.model import Georeferencing, Mesh, Model, ModelContent, Park, Storey

FRAME = Frame(120.6, 31.3)
PROJECT = "1xS3BCk291UvhgP2a6eflL"
NO_MESH = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])


def _model(
    name, *, size=(20.0, 10.0), at=(0.0, 0.0), height=9.0, turn_deg=0.0, base=4.0, levels=(0.0, 3.0, 6.0), project=PROJECT, kind="site"
):
    outline = FRAME.unproject(shapely.box(*at, at[0] + size[0], at[1] + size[1]))
    lon, lat, _ = FRAME.to_lonlat([at])[0].tolist()
    told = Georeferencing(kind, (lon, lat), base, turn_deg, None, "")
    model = Model(f"{project}-{name * 6}", name, "IFC4", "0", told, outline, base, base + height)
    storeys = [Storey(f"{name}{k}", model.id, f"Level {k}", level, base + level) for k, level in enumerate(levels)]
    return ModelContent(model, storeys, [], [], NO_MESH)


def _told(one, other):
    return beside_relatives(one, [Relative(other.model, other.storeys)], FRAME, "e.ifc")


def test_models_that_agree_raise_nothing():
    assert _told(_model("e", size=(18.0, 9.0), at=(1e-4, 0.0)), _model("a")) == []
    assert _told(_model("a"), _model("a", at=(500.0, 0.0))) == []  # an earlier version of itself
    assert _told(_model("e", at=(500.0, 0.0), project="2xS3BCk291UvhgP2a6eflL"), _model("a")) == []


@pytest.mark.parametrize("ratio", [0.3048, 1 / 0.3048, 1000.0, 0.001])
def test_a_unit_mixed_up_shows_in_the_storeys(ratio):
    electrical = _model("e", levels=(0.0, 3.0 * ratio, 6.0 * ratio))
    (issue,) = _told(electrical, _model("a"))
    assert issue.code == "ifc_models_unlike_scale"
    assert float(str(issue.details["ratio"])) == pytest.approx(ratio, rel=1e-3)


def test_a_unit_mixed_up_shows_in_the_outline_where_no_storey_has_a_name():
    electrical = _model("e", size=(20 / 0.3048, 10 / 0.3048), height=9 / 0.3048, levels=())
    (issue,) = _told(electrical, _model("a", levels=()))
    assert issue.code == "ifc_models_unlike_scale"
    assert _told(_model("e", size=(66.0, 10.0), levels=()), _model("a", levels=())) == []  # longer in one direction is another wing


@pytest.mark.parametrize(
    ("change", "metres", "height", "degrees"),
    [({"at": (3.0, 4.0)}, 5.0, 0.0, 0.0), ({"base": 7.5}, 0.0, 3.5, 0.0), ({"turn_deg": 5.0}, 0.0, 0.0, 5.0)],
)
def test_origins_apart_are_told(change, metres, height, degrees):
    (issue,) = _told(_model("e", **change), _model("a"))
    assert issue.code == "ifc_models_apart"
    assert [issue.details[key] for key in ("metres", "height_m", "degrees")] == pytest.approx([metres, height, degrees], abs=0.01)


def test_a_model_that_was_placed_otherwise_must_only_touch():
    laid = replace(
        _model("a"), model=replace(_model("a").model, georeferencing=Georeferencing("footprint", (120.6, 31.3001), 4.0, 30.0, None, ""))
    )
    assert _told(_model("e"), laid) == []
    (issue,) = _told(_model("e", at=(50.0, 0.0)), laid)
    assert issue.details["metres"] == pytest.approx(30.0, abs=0.01)


def _electrical(new_house, unit_m, said_m, project_id, levels):
    """A model of lamps in the storeys of the Duplex: lengths in `unit_m`, said to be in `said_m`."""
    house = new_house("IFC2X3", said_m)
    house.project.GlobalId = project_id
    house.storey.Name, house.storey.Elevation = levels[0][0], levels[0][1] / unit_m
    for name, elevation in levels[1:]:
        storey = house.another_storey(name)
        storey.Elevation = elevation / unit_m
        house.place(storey, (0.0, 0.0, elevation / unit_m * said_m))
    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = (41, 52, 27, 840000), (-87, -38, -21, -839999), 0.0
    scale = said_m / unit_m
    for x, y in ((1.0, -2.0), (7.0, -15.0), (4.0, -9.0)):
        house.box("IfcFlowTerminal", "Lamp", (0.6 * scale, 0.6 * scale, 0.1 * scale), at=(x * scale, y * scale, 2.4 * scale))
    return house


def test_an_electrical_model_in_feet_beside_the_architecture_in_metres(shared_data, new_house, tmp_path):
    frame = Frame(-87.6394, 41.8744)
    architecture = IMPORTER.read(Path(shared_data / "ifc/arch/Duplex_A_20110907.ifc"), Context(Park("p", frame), Options())).models[0]
    known = lambda: [Relative(architecture.model, architecture.storeys)]  # noqa: E731
    project_id = architecture.model.id.rpartition("-")[0]
    levels = [(storey.name, storey.elevation_m) for storey in architecture.storeys]
    for said_m, expected in ((0.3048, []), (1.0, ["ifc_models_unlike_scale"])):
        path = _electrical(new_house, 0.3048, said_m, project_id, levels).save(tmp_path / f"electrical_{said_m}.ifc")
        imported = IMPORTER.read(path, Context(Park("p", frame), Options(), relatives=known))
        assert [issue.code for issue in imported.issues if issue.code.startswith("ifc_models")] == expected
        if not expected:  # in feet as it says: the lamps hang in the house
            lamps = imported.models[0].model.outline
            assert architecture.model.outline.covers(lamps.centroid)
            assert imported.models[0].model.top_h_m == pytest.approx(2.5, abs=0.01)
