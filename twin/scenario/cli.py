"""`twin scenario`: named sets of changes to devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from twin.console import JsonOption, LangOption, ParkArgument, figure, interval, language, print_json, print_table, progress, say, warn
from twin.errors import Conflict, MissingInput, UsageError
from twin.i18n import message
from twin.model import Scenario
from twin.scenario import writing
from twin.scenario.apply import alterations, apply, counted, put
from twin.scenario.changes import read_changes, with_more
from twin.scenario.names import checked_name
from twin.scenario.report import before_and_after, described, listed, measures_of
from twin.store import Store, open_store

Action = Literal["new", "change", "list", "show", "diff", "apply", "drop"]
Texts = list[str] | None


def scenario(
    park: ParkArgument,
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="option_scenario_action", show_default=False)],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="option_scenario_name", show_default=False)] = None,
    move: Annotated[Texts, typer.Option("--move", metavar="ID=LON,LAT[,H]", help="option_scenario_move", show_default=False)] = None,
    setting: Annotated[Texts, typer.Option("--set", metavar="ID.COLUMN=VALUE", help="option_scenario_set", show_default=False)] = None,
    add: Annotated[Texts, typer.Option("--add", metavar="JSON|FILE", help="option_scenario_add", show_default=False)] = None,
    remove: Annotated[Texts, typer.Option("--remove", metavar="ID", help="option_scenario_remove", show_default=False)] = None,
    note: Annotated[str | None, typer.Option("--note", help="option_scenario_note", show_default=False)] = None,
    measure: Annotated[Texts, typer.Option("--measure", metavar="MEASURE", help="option_scenario_measure", show_default=False)] = None,
    param: Annotated[Texts, typer.Option("--param", metavar="K=V", help="option_param", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Make, change, look at, compare, apply or drop a scenario."""
    store, spoken = open_store(park), language(lang)
    written = [*writing.moves(move or []), *writing.settings(setting or []), *writing.additions(add or [])]
    changes = read_changes([*written, *({"op": "remove", "id": each} for each in remove or [])])
    if action == "list":
        _list(store, spoken, as_json=as_json)
        return
    if not name:
        raise UsageError("scenario_name_missing", subject=action)
    if action in {"new", "change"}:
        _write(store, checked_name(name) if action == "new" else name, changes, note, is_new=action == "new")
        _show(store, store.scenario(name), spoken, as_json=as_json)
    elif action == "show":
        _show(store, store.scenario(name), spoken, as_json=as_json)
    elif action == "diff":
        _diff(store, name, measure, _pairs(param or []), spoken, as_json=as_json)
    else:
        _end(store, name, action, spoken, as_json=as_json)


def _list(store: Store, lang: str, *, as_json: bool) -> None:
    rows = [listed(each) for each in store.scenarios()]
    if as_json:
        print_json(rows)
    else:
        columns = ("scenario", "changes", "note", "at")
        print_table(
            [message(f"column_{c}", lang) for c in columns], [[row["name"], row["changes"], row["note"], row["at"]] for row in rows]
        )


def _write(store: Store, name: str, changes: Sequence[dict[str, Any]], note: str | None, *, is_new: bool) -> None:
    """Keep a new scenario, or more changes in one there is; what the park cannot bear is refused."""
    if is_new and any(each.name == name for each in store.scenarios()):
        raise Conflict("scenario_exists", subject=name)
    before = Scenario(name) if is_new else store.scenario(name)
    after = Scenario(name, with_more(before.changes, changes), before.note)
    alterations(store, after)
    with store.transaction() as writer:
        put(writer, before, after.changes, note)


def _show(store: Store, found: Scenario, lang: str, *, as_json: bool) -> None:
    document = described(store, found)
    if as_json:
        print_json(document)
        return
    say(message("scenario_shown", lang, subject=found.name, **document["counts"]))
    columns = ("change", "id", "diff_detail")
    print_table([message(f"column_{c}", lang) for c in columns], [_row(change, lang) for change in found.changes])


def _row(change: Any, lang: str) -> list[str]:
    told = {"move": _place, "set": _values, "add": lambda change: _values({"values": change["device"]}), "remove": lambda _: ""}
    return [message(f"change_{change['op']}", lang), change["id"], told[change["op"]](change)]


def _place(change: Any) -> str:
    height = next((f", {change[key]:g} m" for key in ("height_m", "z_m") if key in change), "")
    return f"{change['lon']:.7f}, {change['lat']:.7f}{height}"


def _values(change: Any) -> str:
    return ", ".join(f"{name} = {'–' if value is None else value}" for name, value in change["values"].items())


def _diff(store: Store, name: str, asked: Texts, given: dict[str, str], lang: str, *, as_json: bool) -> None:
    chosen = asked or measures_of(store, store.scenario(name))
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, MissingInput]] = []
    with progress() as bars:
        task = bars.add_task(name, total=len(chosen))
        for measure_id in chosen:
            try:
                rows.append(before_and_after(store, name, measure_id, given))
            except MissingInput as error:
                if asked or len(chosen) == 1:
                    raise
                skipped.append((measure_id, error))
            bars.advance(task)
    if as_json:
        told = [{"measure": measure_id, "code": error.code, "message": error.text(lang)} for measure_id, error in skipped]
        print_json({"scenario": name, "revision": store.revision(), "measures": rows, "skipped": told})
        return
    for measure_id, error in skipped:
        warn(f"{measure_id}: {error.text(lang)}")
    columns = ("title", "before", "interval", "after", "interval", "difference")
    print_table([message(f"column_{c}", lang) for c in columns], [_compared(row, lang) for row in rows])


def _compared(row: dict[str, Any], lang: str) -> list[str]:
    unit = row["unit"]
    sides = ((figure(side["value"], unit, 2), interval(side["lower"], side["upper"], unit, 2)) for side in (row["before"], row["after"]))
    delta = "—" if row["delta"] is None else f"{row['delta'] * 100:+.2f} %" if unit == "1" else f"{row['delta']:+g}"
    return [row[f"title_{lang}"], *(cell for side in sides for cell in side), delta]


def _end(store: Store, name: str, action: str, lang: str, *, as_json: bool) -> None:
    """Apply a scenario or drop it."""
    if action == "apply":
        counts = counted(apply(store, name))
        document = {"applied": name, **counts, "revision": store.revision()}
    else:
        counts: dict[str, int] = {}
        store.scenario(name)
        with store.transaction() as writer:
            writer.drop_scenario(name)
        document = {"dropped": name}
    if as_json:
        print_json(document)
    else:
        say(message("scenario_applied" if action == "apply" else "scenario_dropped", lang, subject=name, **counts))


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError("not_a_pair", subject=name, option="--param")
    return {name.strip(): value.strip() for name, _, value in pairs}
