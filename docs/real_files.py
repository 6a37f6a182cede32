"""What becomes of real files: `python docs/real_files.py` writes `docs/real-files.md`, a row for each file of the test data.

Each file is imported alone into an empty park at its place, as a person would who says nothing; where the answer is a question, a
second row shows the answer to it. `tests/oracle/test_real_files.py` holds every row against a fresh import.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers.contract import Options
from importers.pipeline import Outcome, import_files
from twin.crs import Frame
from twin.model import Park, SourceContent
from twin.store import Store, create_store

PAGE = Path(__file__).parent / "real-files.md"
ELSEWHERE = (8.4365, 49.1004)
# where the park is that a person would import the file into: longitude, latitude [deg], by the start of the path
PLACES: Mapping[str, tuple[float, float]] = {
    "citymodel/delft": (4.3571, 52.0116), "citymodel/zurich": (8.5417, 47.3769), "gis/bubenec": (14.4053, 50.1039),
    "gis/dxf/site": (6.1, 46.2), "gis/fgb": (8.5, 47.4), "gis/geoparquet": (7.4246, 43.7384), "gis/goteborg": (11.9668, 57.7089),
    "gis/kml": (-122.0841, 37.4220), "gis/lorient": (-3.3660, 47.7480), "gis/osm/geneva": (6.1, 46.2),
    "gis/osm/helsinki": (24.9384, 60.1699), "gis/zh/shanghai": (121.47, 31.23), "gis/zh/shenzhen": (114.06, 22.54),
    "gis/zh/suzhou": (120.62, 31.30),
    "ifc/arch/Duplex": (-87.6394, 41.8744), "ifc/arch/Office": (-71.0598, 42.3584), "ifc/arch/SampleHouse4": (-0.1262, 51.5002),
    "ifc/arch/LargeBuilding": (-71.0567, 42.3587), "ifc/arch/Schependomlaan": (5.3833, 52.15), "ifc/zh": (116.433, 39.916),
    "pointcloud/autzen": (-123.0687, 44.0580), "pointcloud/simple": (-123.0687, 44.0580), "terrain": (86.79, 28.26),
    "tiles3d/TilesetWithTree": (-75.6123, 40.0425),
}  # fmt: skip
# what a person answers where the first import asks
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "citymodel/ParkingGarage_CityGML3.gml": {"place": "8.4365,49.1004"},
    "gis/dxf/site_geneva_west_lv95_m.dxf": {"crs": "EPSG:2056"},
    "gis/dxf/custom_blocks.dxf": {"crs": "EPSG:25832"},
    "pointcloud/simple.copc.laz": {"crs": "EPSG:2992"},
    "tiles3d/MetadataGranularities/tileset.json": {"place": "8.4365,49.1004"},
    "tiles3d/SparseImplicitQuadtree/tileset.json": {"place": "8.4365,49.1004"},
}
_PARTS = {".dbf", ".shx", ".prj", ".cpg"}
_LISTED = 4  # layers and issues named in one cell


@dataclass(frozen=True)
class Case:
    """One import: a file by its path in the data, and what was said about it."""

    name: str
    said: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def place(self) -> tuple[float, float]:
        """Where the park is."""
        return next((place for start, place in PLACES.items() if self.name.startswith(start)), ELSEWHERE)


def cases(data: Path) -> list[Case]:
    """Every file once, parts of shapefiles and tilesets with what they belong to, and again with an answer."""
    found: list[Case] = []
    for path in sorted(file for file in data.rglob("*") if file.is_file() and file.name != "README.md"):
        name = path.relative_to(data).as_posix()
        if path.suffix in _PARTS or (name.startswith("tiles3d/") and path.name != "tileset.json"):
            continue
        found.append(Case(name))
        if name in ANSWERS:
            found.append(Case(name, ANSWERS[name]))
    return found


def row(case: Case, data: Path) -> str:
    """The table's row of one import, done now."""
    with tempfile.TemporaryDirectory() as folder:
        store = create_store(Path(folder) / "park", Park("p", Frame(*case.place)))
        (outcome,) = import_files(store, [data / case.name], Options(**case.said))
        cells = _refused(outcome, data) if outcome.error else _imported(store, outcome)
        store.close()
    said = " ".join(f"--{name} {value}" for name, value in case.said.items())
    return f"| `{case.name}`{f' `{said}`' if said else ''} | " + " | ".join(cells) + " |"


def page(data: Path) -> str:
    """The whole page."""
    head = ["file", "what it is", "read", "CRS, heights, encoding", "west, south, east, north", "issues"]
    lines = [
        "# What becomes of real files",
        "",
        "Written by `docs/real_files.py`: each file imported alone into an empty park at its place.",
        "A file that needs an answer is there twice.",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    return "\n".join([*lines, *(row(case, data) for case in cases(data))]) + "\n"


def _refused(outcome: Outcome, data: Path) -> list[str]:
    sentence = outcome.said("en")["message"].replace(f"{data}/", "").replace("|", "/").replace("\n", " ")
    return ["refused", _short(sentence, 400), "", "", ""]


def _imported(store: Store, outcome: Outcome) -> list[str]:
    report: Mapping[str, Any] = outcome.report or {}
    source = next(version.source for version in store.versions() if version.is_current)
    content = store.version(source, 1)
    systems = [report["crs"] and _crs_name(report["crs"]), report["height_datum"], report["encoding"]]
    issues = Counter((issue["code"], issue["severity"]) for issue in report["issues"])
    told = [f"{code}{f' ×{count}' if count > 1 else ''}" for (code, severity), count in sorted(issues.items())]
    return [report["kind"], _read(content, report), ", ".join(filter(None, systems)), _extent(content), _few(told)]


def _read(content: SourceContent, report: Mapping[str, Any]) -> str:
    parts = [f"{layer.kind} {len(table)}" for layer, table in sorted(content.layers, key=lambda pair: -len(pair[1]))]
    parts += [f"{kind} {count}" for kind, count in report["devices"].items()]
    for model in content.models:
        states = Counter(element.state for element in model.elements)
        doors = sum(element.ifc_class.startswith("IfcDoor") for element in model.elements)
        counts = {"storeys": len(model.storeys), "spaces": len(model.spaces), "doors": doors, "groups": len(model.groups), **states}
        parts.append(f"{model.model.schema}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
        parts += [f"placed by {model.model.georeferencing.kind}"]
    parts += [
        f"{terrain.role} {terrain.heights.shape[0]}×{terrain.heights.shape[1]} at {terrain.step_m:g} m" for terrain in content.terrains
    ]
    parts += [f"{each.lumens:.0f} lm" for each in content.photometries]
    return _few(parts)


def _extent(content: SourceContent) -> str:
    shapes = [shape for _, table in content.layers for shape in table.geometry if shape is not None]
    shapes += [shapely.Point(device.lon, device.lat) for device in content.devices]
    shapes += [model.model.outline for model in content.models if model.model.outline is not None]
    if not shapes:
        return ""
    box = np.array(shapely.bounds(np.array(shapes, object)))
    return ", ".join(f"{value:.4f}" for value in [*np.nanmin(box[:, :2], 0), *np.nanmax(box[:, 2:], 0)])


def _crs_name(crs: str) -> str:
    return crs if len(crs) < 24 else crs.split('"')[1]


def _few(parts: Sequence[str]) -> str:
    return "; ".join(parts[:_LISTED]) + (f"; {len(parts) - _LISTED} more" if len(parts) > _LISTED else "")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def rows_of(text: str) -> Iterator[str]:
    """The rows of a page that has been written."""
    return (line for line in text.splitlines() if line.startswith("| `"))


if __name__ == "__main__":
    folder = Path(os.environ.get("PARKTWIN_DATA", sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
    PAGE.write_text(page(folder.resolve()), "utf-8")
