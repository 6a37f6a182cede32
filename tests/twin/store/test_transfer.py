"""Parks from one store to another and back: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parks import PARK, full_park, model, put_roads, told
from twin.errors import Conflict, UsageError
from twin.model import FEATURE_COLUMNS, Event, FeatureTable, Layer
from twin.store import Store, create_store, open_store
from twin.store.transfer import copy_to


@pytest.fixture(params=["directory", "database"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Where the copy of a park of that name goes."""
    if request.param == "directory":
        return lambda name: str(tmp_path / name)
    new = request.getfixturevalue("new_database_park")
    return lambda _: new()


def test_everything_arrives_in_every_verb(tmp_path: Path, place: Callable[[str], str]) -> None:
    source = full_park(create_store(tmp_path / "first", PARK), tmp_path)
    copied = copy_to(source, place("second"))
    assert told(copied) == told(source)
    back = copy_to(copied, str(tmp_path / "third"))
    assert told(back) == told(source)
    assert told(open_store(tmp_path / "third")) == told(source)


def test_copies_of_a_mesh_do_not_drift(tmp_path: Path, place: Callable[[str], str]) -> None:
    random = np.random.default_rng(3)
    vertices = random.uniform(-300, 300, (500, 3)) + np.array([1234.567, -765.4321, 31.5])
    store = create_store(tmp_path / "first", PARK)
    with store.transaction() as writer:
        writer.put_model(model("m", vertices), source="a.ifc")
    mesh = copy_to(copy_to(store, place("second")), str(tmp_path / "third")).mesh("m")
    assert np.array_equal(mesh.vertices, store.mesh("m").vertices)
    assert np.abs(mesh.vertices - vertices).max() < 1e-4


def test_a_copy_goes_on_living(tmp_path: Path, place: Callable[[str], str]) -> None:
    """Versions and the cursor of events count on from where they were."""
    copied = copy_to(full_park(create_store(tmp_path / "first", PARK), tmp_path), place("second"))
    _, cursor = copied.events_after(0)
    with copied.transaction() as writer:
        writer.archive_source("roads.shp")
        writer.drop_source("roads.shp")
        put_roads(writer, "road", 2, "2026-05-01T00:00:00Z")
        writer.put_events([Event("late", "fire", "2020-01-01T00:00:00Z", 104.06, 30.54, 1.0)])
    assert [version.number for version in copied.versions("roads.shp")] == [1, 2, 3]
    assert [event.id for event in copied.events_after(cursor)[0]] == ["late"]
    assert len(copied.version("roads.shp", 2).layers[0][1]) == 4


def test_what_is_there_is_not_overwritten(tmp_path: Path, place: Callable[[str], str]) -> None:
    store = create_store(tmp_path / "first", PARK)
    taken = place("second")
    copy_to(store, taken).close()
    with pytest.raises(Conflict):
        copy_to(store, taken)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Conflict, match="something here"):
        copy_to(store, str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="no such folder"):
        copy_to(store, str(tmp_path / "nowhere" / "park"))


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, place: Callable[[str], str]) -> None:
    store = full_park(create_store(tmp_path / "first", PARK), tmp_path)
    target = place("second")
    before = sorted(tmp_path.iterdir())

    def change(stage: str, done: int, total: int) -> None:
        if stage == "sources" and done == 1:
            with open_store(store.address).transaction() as writer:
                writer.put_layer(Layer("late", "other", "late"))

    with pytest.raises(Conflict, match="changed while"):
        copy_to(store, target, change)
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "home"] == [path for path in before if path.name != "home"]
    with suppress(UsageError):
        assert told(copy_to(store, target)) == told(store)


# --- feature tables of every kind

texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.one_of(st.none(), st.floats(), st.integers(-(10**30), 10**30), st.integers(-5, 5), st.booleans())
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
degrees = st.floats(-180, 180)
heights = st.one_of(st.just(float("nan")), st.floats(-1e4, 1e4))
points = st.one_of(st.builds(shapely.Point, degrees, degrees), st.builds(shapely.Point, degrees, degrees, heights))
flat_lines = st.lists(st.tuples(degrees, degrees), min_size=2, max_size=4).map(shapely.LineString)
tall_lines = st.lists(st.tuples(degrees, degrees, heights), min_size=2, max_size=4).map(shapely.LineString)
areas = st.builds(lambda x, y, w: shapely.box(x, y, x + w, y + w), degrees, degrees, st.floats(1e-9, 1))
tall_areas = st.builds(lambda x, y, z: shapely.Polygon([(x, y, z), (x + 1, y, 0), (x, y + 1, z)]), degrees, degrees, heights)
odd = st.sampled_from([
    None, shapely.Point(), shapely.Polygon(), shapely.from_wkt("POLYGON Z EMPTY"), shapely.from_wkt("MULTIPOINT (EMPTY, (1 2))"),
    shapely.from_wkt("POLYGON ((0 0, 1 1, 0 0))"), shapely.from_wkt("GEOMETRYCOLLECTION (POINT EMPTY, LINESTRING EMPTY)"),
    shapely.GeometryCollection([shapely.Point(1, 2), shapely.Point(1, 2, 3)]), shapely.Point(float("inf"), 1),
    shapely.from_wkt("GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POINT (1 2)), POLYGON ((0 0, 1 1, 0 0)))"),
    shapely.from_wkt("MULTIPOLYGON (EMPTY, ((0 0, 1 0, 1 1, 0 0)))"), shapely.LineString([(0, 0), (0, 0)]),
])  # fmt: skip
lines = st.one_of(flat_lines, tall_lines)
shapes = st.one_of(points, lines, areas, tall_areas, odd, st.lists(points, min_size=1, max_size=3).map(shapely.GeometryCollection))


@st.composite
def tables(draw: st.DrawFn) -> FeatureTable:
    ids = draw(st.lists(texts, min_size=0, max_size=5, unique=True))
    names = draw(st.lists(st.one_of(st.sampled_from(FEATURE_COLUMNS), texts), max_size=4, unique=True))
    column = {name: numbers if name in {"height_m", "base_m", "storeys"} else values for name in names}
    geometry = np.empty(len(ids), object)
    geometry[:] = [draw(shapes) for _ in ids]
    return FeatureTable(ids, geometry, {name: [draw(column[name]) for _ in ids] for name in names})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tables(), texts.filter(bool))
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_any_table_of_features_comes_back(both: tuple[Store, Store], table: FeatureTable, layer_id: str) -> None:
    """A directory and a database give the same, geometry to the last digit; what is no number is missing."""
    kept: list[FeatureTable] = []
    for store in both:
        with store.transaction() as writer:
            writer.put_layer(Layer(layer_id, "other", layer_id))
            writer.put_features(layer_id, table, source="hypothesis")
        kept.append(store.features(layer_id))
        with store.transaction() as writer:
            writer.drop_source("hypothesis")
    ours, theirs = kept
    assert list(ours.ids) == list(theirs.ids) == list(table.ids)
    assert shapely.to_wkb(ours.geometry, flavor="iso").tolist() == shapely.to_wkb(table.geometry, flavor="iso").tolist()
    assert shapely.to_wkb(theirs.geometry, flavor="iso").tolist() == shapely.to_wkb(table.geometry, flavor="iso").tolist()
    assert {name: list(column) for name, column in ours.columns.items()} == {name: list(column) for name, column in theirs.columns.items()}
    for name in set(table.columns) - set(FEATURE_COLUMNS):
        assert list(ours.column(name)) == [finite(value) for value in table.columns[name]]


@pytest.fixture
def both(tmp_path: Path, new_database_park: Callable[[], str]) -> tuple[Store, Store]:
    return create_store(tmp_path / "park", PARK), create_store(new_database_park(), PARK)


def finite(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, list):
        return [finite(each) for each in value]
    return {key: finite(each) for key, each in value.items()} if isinstance(value, dict) else value
