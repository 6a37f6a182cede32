"""`twin positions`: the key positions of a park, from what each was concluded, and what people say of them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, print_table, say
from twin.errors import UsageError
from twin.i18n import message
from twin.measures.corrections import CONFIRMED, PLACED, REJECTED, Decision, decide, derived_positions
from twin.measures.positions import Position, class_of, gather_positions, position_classes
from twin.store import Store, open_store

LISTED = 200  # positions shown to a person; --json lists all


def positions(  # noqa: PLR0913, PLR0917  one parameter a promised option
    park: ParkArgument,
    classes: Annotated[list[str] | None, typer.Option("--class", metavar="CLASS", help="option_position_class", show_default=False)] = None,
    confirm: Annotated[
        list[str] | None, typer.Option("--confirm", metavar="ID", help="option_position_confirm", show_default=False)
    ] = None,
    reject: Annotated[list[str] | None, typer.Option("--reject", metavar="ID", help="option_position_reject", show_default=False)] = None,
    place: Annotated[
        list[str] | None, typer.Option("--move", metavar="ID=LON,LAT[,H]", help="option_position_move", show_default=False)
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="option_position_by", show_default=False)] = "",
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """The key positions of a park and what they were concluded from; confirm, reject or move derived ones."""
    store = open_store(park)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    decisions = [
        *(Decision(name, CONFIRMED, by, now) for name in confirm or ()),
        *(Decision(name, REJECTED, by, now) for name in reject or ()),
        *(Decision(name, PLACED, by, now, where) for name, where in map(_placed, place or ())),
    ]
    if decisions:
        decide(store, decisions)
    asked = [_class(word) for word in classes or position_classes()]
    rows = _rows(store, asked)
    if as_json:
        print_json({"positions": rows})
        return
    names = ("id", "kind", "title", "position_origin", "position_confidence", "position_state")
    columns = [message(f"column_{name}", language(lang)) for name in names]
    shown = [[row["id"], row["class"], row["name"], row["origin"], row["confidence"], row["state"]] for row in rows[:LISTED]]
    print_table(columns, shown)
    if len(rows) > LISTED:
        say(message("import_more", language(lang), count=len(rows) - LISTED))


def _class(word: str) -> str:
    """The class that a word names; an error where it names none."""
    found = word if word in position_classes() else class_of(word)
    if found is None:
        raise UsageError("position_class_unknown", subject=word, count=1)
    return found


def _rows(store: Store, classes: list[str]) -> list[dict[str, Any]]:
    """Registered and derived positions of some classes, rejected and unsure ones too."""
    own = gather_positions(store, classes, derive=False).positions
    found = [position for position in derived_positions(store) if position.kind in classes]
    return [_row(store, position) for position in {position.id: position for position in [*own, *found]}.values()]


def _row(store: Store, position: Position) -> dict[str, Any]:
    middle = position.shape.centroid
    lon, lat, _ = store.park().frame.to_lonlat([[middle.x, middle.y]])[0].tolist()
    return {
        "id": position.id, "class": position.kind, "name": position.name, "state": position.state, "origin": position.origin or None,
        "origin_id": position.origin_id or None, "confidence": position.confidence, "lon": lon, "lat": lat,
        "building_id": position.building_id, "storey_id": position.storey_id,
    }  # fmt: skip


def _placed(text: str) -> tuple[str, tuple[float, ...]]:
    name, _, where = text.rpartition("=")
    try:
        place = tuple(float(part) for part in where.split(","))
    except ValueError:
        place = ()
    limits = (180.0, 90.0, math.inf)
    is_on_earth = all(math.isfinite(part) and abs(part) <= most for part, most in zip(place, limits, strict=False))
    if not name or len(place) not in {2, 3} or not is_on_earth:
        raise UsageError("position_move_wrong", subject=text)
    return name, place
