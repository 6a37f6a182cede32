"""Models the park has, told when the map's buildings come and do not lie under them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import shapely.affinity

from importers.bystanders import bystanders
from importers.contract import Context, Footprint, Imported, LayerContent, Options, Relative
from twin.crs import Frame
from twin.model import FeatureTable, Georeferencing, Layer, Model, Park

FRAME = Frame(8.4366, 49.1005)


def _rectangle(east, north, long, wide, turn_deg=0.0):
    """A rectangle by its middle [m, enu], in longitude and latitude."""
    box = shapely.affinity.rotate(shapely.box(-long / 2, -wide / 2, long / 2, wide / 2), turn_deg)
    at = shapely.affinity.translate(box, east, north)
    return shapely.transform(at, lambda xy: FRAME.to_lonlat(np.column_stack([xy, np.zeros(len(xy))]))[:, :2])


def _model(outline, *, schema="IFC4", kind="site"):
    placed = Georeferencing(kind, (8.4366, 49.1005), 0.0, 0.0, None, "")
    return Relative(Model("m", "Haus", schema, "", placed, outline, source="haus.ifc"), ())


def _read(*outlines, kind="building"):
    table = FeatureTable(
        [f"b{k}" for k in range(len(outlines))], np.array(outlines, object), {"name": [f"House {k}" for k in range(len(outlines))]}
    )
    return Imported("vector", layers=[LayerContent(Layer("b", kind, "B", "建"), table)])


def _told(imported, *models, known=()):
    footprints = [Footprint(f"k{k}", "K", outline, 0.0) for k, outline in enumerate(known)]
    context = Context(Park("P", FRAME), Options(), relatives=lambda: models, footprints=lambda: footprints)
    return bystanders(imported, "houses.gml", context)


def test_a_model_beside_the_buildings_is_told_with_distance_turn_and_sizes():
    (issue,) = _told(_read(_rectangle(900, 0, 5, 5), _rectangle(300, 400, 10, 5, 30)), _model(_rectangle(0, 0, 12, 10)))
    assert (issue.code, issue.severity, issue.subject) == ("model_beside_buildings", "warning", "houses.gml")
    said = dict(issue.details)
    assert said["metres"] == pytest.approx(500, abs=0.2)
    assert said["degrees"] == pytest.approx(30, abs=0.2)
    assert (said["model"], said["building"], said["source"]) == ("Haus", "House 1", "haus.ifc")
    assert (said["size"], said["other_size"]) == ("12.0 × 10.0 m", "10.0 × 5.0 m")


@pytest.mark.parametrize(
    ("imported", "model", "known"),
    [
        (_read(_rectangle(1, 1, 12, 10)), _model(_rectangle(0, 0, 12, 10)), ()),  # stands on it
        (_read(_rectangle(0, 3, 12, 4), _rectangle(0, -3, 12, 4)), _model(_rectangle(0, 0, 12, 10)), ()),  # on two halves
        (_read(_rectangle(300, 0, 12, 10)), _model(_rectangle(0, 0, 12, 10)), [_rectangle(0, 0, 11, 10)]),  # on one the park had
        (_read(_rectangle(9000, 0, 12, 10)), _model(_rectangle(0, 0, 12, 10)), ()),  # of another town
        (_read(_rectangle(300, 0, 12, 10), kind="water"), _model(_rectangle(0, 0, 12, 10)), ()),
        (_read(_rectangle(300, 0, 12, 10)), _model(_rectangle(0, 0, 12, 10), schema="CityGML 2.0"), ()),
        (_read(_rectangle(300, 0, 12, 10)), _model(_rectangle(0, 0, 12, 10), kind="none"), ()),
        (_read(_rectangle(300, 0, 12, 10)), _model(None), ()),
        (_read(None, shapely.Point(8.4366, 49.1005)), _model(_rectangle(0, 0, 12, 10)), ()),
        (_read(), _model(_rectangle(0, 0, 12, 10)), ()),
    ],
)
def test_nothing_is_told_of_a_model_that_stands_or_that_nothing_is_known_of(imported, model, known):
    assert _told(imported, model, known=known) == []
