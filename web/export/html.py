"""The park as one HTML file that opens from disk and asks for nothing: the client's library, the scene and the data inside it.

The shape of the data is `web/client/src/export/bundle.ts`; every part of it is what the server would answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from tiles.build import FOOTPRINTS, build, tiles_folder
from tiles.files import folder_name
from twin.buildings import Building, buildings
from twin.errors import UsageError
from twin.files import write_atomically
from twin.store import Store
from web.answers.buildings import buildings_answer, storeys_answer
from web.answers.devices import whole_devices
from web.answers.elements import element_answer
from web.answers.events import events_answer
from web.answers.layers import layers_answer
from web.answers.measures import gaps_answer, measures_answer, result_answer, samples_answer
from web.answers.packs import packs_answer
from web.answers.park import park_answer
from web.answers.terrain import terrain_answer
from web.export.geojson import collection
from web.export.tables import Sheet
from web.export.tilesets import contents
from web.scene import scene, tilesets
from web.settings import Settings

LIBRARIES = ("parktwin.iife.js", "parktwin.js")  # in the folder `export` of the built client, the first there is
STYLE = "parktwin.css"
MAX_ELEMENTS = 20_000  # beyond, a page would weigh a hundred megabytes; a click then shows what its tile knows
MAX_SAMPLES = 100_000  # of one result; a surface of more is shown by its gaps alone
EVENTS = 200
VERSION = 1


def write(store: Store, layer: str | None, out: Path, *, lang: str = "en", static: Path | None = None) -> None:
    """The whole park as one page.

    Raises
    ------
    UsageError
        If the client's library is not built, or a layer is named: the page is whole.
    """
    if layer is not None:
        raise UsageError("export_whole", subject="html", layer=layer)
    folder = (static or Settings().static_folder) / "export"
    library = next((folder / name for name in LIBRARIES if (folder / name).is_file()), None)
    if library is None:
        raise UsageError("export_no_library", subject=folder / LIBRARIES[0])
    build(store)
    write_atomically(out, page(bundle(store, lang), library, lang))


def page(data: Mapping[str, Any], library: Path, lang: str) -> str:
    """The page around the data and the client's library, with the style that lies beside it."""
    style = library.with_name(STYLE)
    template = files("web.export").joinpath("page.html").read_text("utf-8")
    parts = {
        "LANG": "zh-CN" if lang == "zh" else "en",
        "TITLE": escape(str(data["park"]["name"])),
        "STYLE": style.read_text("utf-8").replace("</", "<\\/") if style.is_file() else "",
        "DATA": _script(data),
        "LIBRARY": library.read_text("utf-8").replace("</script", "<\\/script"),
    }
    before, *rest = template.split("{{")
    return before + "".join(parts[name] + text for name, text in (part.split("}}", 1) for part in rest))


def _script(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")


def bundle(store: Store, lang: str) -> dict[str, Any]:
    """Everything the page shows."""
    owners = buildings(store)
    document = {
        "version": VERSION,
        "language": lang,
        "park": park_answer(store),
        "terrain": terrain_answer(store),
        "scene": scene(store, inline=True),
        "layers": layers_answer(store),
        "features": {f"layer/{layer.id}": collection(Sheet(layer.id, layer.kind, store.features(layer.id))) for layer in store.layers()},
        "meshes": _meshes(store, owners),
        "buildings": buildings_answer(owners),
        "storeys": {building.id: storeys_answer(store, owners, building.id) for building in owners if building.model_ids},
        "devices": whole_devices(store),
        "elements": _elements(store, owners),
        "measures": measures_answer(),
        "results": _results(store, lang),
        "packs": packs_answer(),
        "events": events_answer(store.events(limit=EVENTS), {}).events,
    }
    return to_jsonable_python(document, by_alias=True)


def _elements(store: Store, owners: Sequence[Building]) -> dict[str, Any]:
    ids = [element.id for model in store.models() for element in store.elements(model.id)]
    return {name: element_answer(store, owners, name) for name in ids} if len(ids) <= MAX_ELEMENTS else {}


def _meshes(store: Store, owners: Sequence[Building]) -> dict[str, list[dict[str, Any]]]:
    """Scene layer id -> its tiles."""
    folder = tiles_folder(store.path)
    folders = {"buildings": FOOTPRINTS} | {layer: folder_name(name) for layer, name in tilesets(store, owners).items()}
    found = {name: folder / part / "tileset.json" for name, part in folders.items()}
    return {name: [_mesh(content.path, content.transform) for content in contents(path)] for name, path in found.items() if path.is_file()}


def _mesh(path: Path, transform: Any) -> dict[str, Any]:
    return {"glb": base64.b64encode(path.read_bytes()).decode("ascii"), "transform": transform.T.ravel().tolist()}


def _results(store: Store, lang: str) -> list[dict[str, Any]]:
    """The newest kept result of each measure, with its gaps and, where they are not too many, its samples."""
    newest: dict[str, str] = {}
    for run in store.runs():
        newest.setdefault(run["measure"], run["run"])
    return [_result(store, run, lang) for run in newest.values()]


def _result(store: Store, run: str, lang: str) -> dict[str, Any]:
    samples = samples_answer(store, run)
    told: dict[str, Any] = {"result": result_answer(store, run, lang), "gaps": gaps_answer(store, run)}
    return told | ({"samples": samples} if len(samples.value) <= MAX_SAMPLES else {})
