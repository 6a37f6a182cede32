"""Previews against whole computations of the same devices: equal to the last bit, gaps included, from any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.twin.scenario.conftest import lonlat
from twin.errors import NotFound
from twin.measures import measures, resolve
from twin.result import Request, Result
from twin.scenario.anew import Anew, answers
from twin.scenario.changes import read_changes
from twin.scenario.overlay import with_changes
from twin.scenario.session import Preview, Session, preview_json
from twin.store import Store

MEASURE = measures()["camera_area_share"]
GIVEN: dict[str, Any] = {"density_px_per_m": 60}


def request(**more: Any) -> Request:
    return resolve(MEASURE, GIVEN | more, {})


@pytest.fixture(scope="module")
def session(shared_park: Store) -> Session:
    return Session(shared_park, MEASURE, request())


def whole(store: Store, changes: list[dict[str, Any]], **more: Any) -> Result:
    return MEASURE.compute(with_changes(store, changes), request(**more))


def numbers(found: Any) -> tuple[float | None, ...]:
    return found.value, found.lower, found.upper, found.numerator, found.denominator


names = st.sampled_from(["north", "east", "blind", "turning", "new"])
places = st.tuples(st.integers(-30, 30), st.integers(-30, 30)).map(lambda xy: dict(zip(("lon", "lat"), lonlat(*xy), strict=True)))
azimuths = st.sampled_from([0.0, 45.0, 120.0, 300.0])
change = st.one_of(
    st.builds(lambda name, place, h: {"op": "move", "id": name, **place, **h}, names, places, st.sampled_from([{}, {"height_m": 3.0}])),
    st.builds(lambda name, azimuth: {"op": "set", "id": name, "values": {"azimuth_deg": azimuth}}, names, azimuths),
    st.builds(lambda name: {"op": "set", "id": name, "values": {"status": "planned"}}, names),
    st.builds(lambda name: {"op": "remove", "id": name}, names),
    st.builds(
        lambda place, azimuth: {"op": "add", "id": "new", "device": {"kind": "camera", "azimuth_deg": azimuth, **place}}, places, azimuths
    ),
)


def possible(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those changes, in their order, that the devices there are by then allow."""
    there, out = {"north", "east", "blind", "turning"}, list[dict[str, Any]]()
    for each in changes:
        if (each["op"] == "add") == (each["id"] in there):
            continue
        there = there | {each["id"]} if each["op"] == "add" else there - {each["id"]} if each["op"] == "remove" else there
        out.append(each)
    return read_changes(out)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(change, min_size=1, max_size=5), split=st.integers(0, 3))
def test_any_changes_give_what_a_whole_computation_gives(
    shared_park: Store, session: Session, changes: list[dict[str, Any]], split: int
) -> None:
    changes = possible(changes)
    scenario, more = changes[:split], changes[split:]
    told, full = session.preview(scenario, more), whole(shared_park, changes)
    assert numbers(told.after) == numbers(full)
    assert numbers(told.before) == numbers(whole(shared_park, scenario))
    lost = {row["id"]: (row["covered"], row["lost"]) for row in full.devices}
    for name, contribution in told.devices.items():
        assert (contribution.covered, contribution.lost) == pytest.approx(lost[name], abs=1e-6)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(change, min_size=1, max_size=3), k=st.sampled_from([1, 2]), height=st.sampled_from([0.5, 1.5]))
def test_every_cell_and_every_gap_is_that_of_a_whole_computation(
    shared_park: Store, changes: list[dict[str, Any]], k: int, height: float
) -> None:
    changes = possible(changes)
    session = Session(shared_park, MEASURE, request(k=k, target_height_m=height))
    full = whole(shared_park, changes, k=k, target_height_m=height)
    running, anew = session.tally_of(changes), Session(with_changes(shared_park, changes), MEASURE, request(k=k, target_height_m=height))
    assert running.area.tobytes() == anew.tally_of(()).area.tobytes()
    assert running.strength.tobytes() == anew.tally_of(()).strength.tobytes()
    assert [gap_of(gap) for gap in full.gaps] == [gap_of(gap) for gap in session.gaps(changes)]


def gap_of(gap: Any) -> tuple[Any, ...]:
    return gap.amount, gap.reason, tuple(gap.blockers), gap.zone, gap.geometry.wkb


def test_what_opens_and_what_closes_adds_up_to_the_difference(session: Session) -> None:
    lon, lat = lonlat(-5, -20)
    told = session.preview([], read_changes([{"op": "move", "id": "north", "lon": lon, "lat": lat}]))
    opened, closed = (sum(gap.amount for gap in told.gaps if gap.kind == kind) for kind in ("opened", "closed"))
    assert closed - opened == pytest.approx(told.after.numerator - told.before.numerator, abs=1e-6)
    assert min(opened, closed) > 1
    assert told.delta == pytest.approx((closed - opened) / told.after.denominator)
    assert all(gap.reason for gap in told.gaps if gap.kind == "opened" and gap.geometry is not None)
    document = preview_json(told)
    assert {feature["properties"]["change"] for feature in document["gaps"]["features"]} == {"opened", "closed"}
    assert document["before"]["value"] == told.before.value
    assert [row["id"] for row in document["devices"]] == ["north"]


def test_nothing_changed_is_nothing_changed(session: Session, shared_park: Store) -> None:
    for changes in (
        [],
        [{"op": "set", "id": "ap", "values": {"status": "planned"}}],
        [{"op": "set", "id": "north", "values": {"tilt_deg": 25.0}}],
    ):
        told = session.preview([], read_changes(changes))
        assert (numbers(told.after), list(told.gaps), told.cells) == (numbers(told.before), [], 0)
    with pytest.raises(NotFound):
        session.preview([], [{"op": "remove", "id": "nobody"}])
    assert numbers(session.shares()) == numbers(whole(shared_park, []))


def test_all_cameras_gone_leaves_nothing(session: Session) -> None:
    told = session.preview([], [{"op": "remove", "id": name} for name in ("north", "east", "blind", "turning")])
    assert (told.after.value, told.after.upper) == (0.0, 0.0)
    assert told.devices == {}


def test_many_may_ask_at_once(session: Session) -> None:
    """Threads with different questions about different scenarios get what one alone gets."""
    rng = np.random.default_rng(4)
    asked = []
    for k in range(12):
        lon, lat = lonlat(*rng.uniform(-25, 25, 2))
        scenario = [{"op": "set", "id": "east", "values": {"azimuth_deg": float(30 * (k % 5))}}] if k % 3 else []
        asked.append((scenario, [{"op": "move", "id": "north", "lon": lon, "lat": lat}]))

    def ask(question: Any) -> Preview:
        return session.preview(*question)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, asked))
    for told, question in zip(together, asked, strict=True):
        alone = ask(question)
        assert (numbers(told.after), numbers(told.before)) == (numbers(alone.after), numbers(alone.before))


def test_a_measure_without_a_quick_way_is_computed_anew(shared_park: Store) -> None:
    measure = measures()["charging_space_share"]
    assert measure.ready is None
    assert isinstance(answers(shared_park, MEASURE, request()), Session)
    assert isinstance(answers(shared_park, measure, resolve(measure, {}, {})), Anew)
    anew = Anew(shared_park, MEASURE, request())
    lon, lat = lonlat(-5, -20)
    changes = read_changes([{"op": "move", "id": "north", "lon": lon, "lat": lat}])
    told, quick = anew.preview([], changes), Session(shared_park, MEASURE, request()).preview([], changes)
    assert (numbers(told.before), numbers(told.after)) == (numbers(quick.before), numbers(quick.after))
    assert {gap.kind for gap in told.gaps} == {"opened", "closed"}
    assert anew.preview(changes, []).gaps == []
