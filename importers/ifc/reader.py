"""One IFC file from path to the park's terms: identify → build in a child → georeference → assemble."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from importers.contract import Context, Imported
from importers.ifc import process
from importers.ifc.anchors import Setting
from importers.ifc.assemble import assemble
from importers.ifc.drawing import Place, draw
from importers.ifc.georeference import georeference
from importers.ifc.identify import Source, identify
from importers.ifc.mesh import bodies
from importers.ifc.parts import read_parts
from twin.errors import UnreadableSource
from twin.model import Issue
from twin.terrain import ground_height


def read(path: Path, context: Context) -> Imported:
    """The content of an IFC file.

    Parameters
    ----------
    path
        STEP or .ifczip.
    context
        The park, the person's options, terrain and progress.

    Raises
    ------
    UnreadableSource
        If the file cannot be opened; nothing of it is used then.
    UsageError
        If `--place` cannot be understood.
    """
    if importlib.util.find_spec("ifcopenshell") is None:
        raise UnreadableSource("ifc_library_missing", subject=path.name)
    with tempfile.TemporaryDirectory(prefix="ifc-") as folder:
        context.progress("reading", 0, 0)
        source = identify(path, Path(folder), context.options.encoding)
        limits = process.limits_for(source.path.stat().st_size)
        outcome = process.build(source.path.absolute(), path.name, Path(folder), limits, context.progress)
        return _imported(path, context, source, outcome)


def _imported(path: Path, context: Context, source: Source, outcome: process.Outcome) -> Imported:
    content = outcome.content
    built = bodies(read_parts(outcome.folder))
    bulk = draw(content, built)
    setting = Setting(
        name=path.name,
        frame=context.park.frame,
        ground=lambda lon, lat: _ground(context, lon, lat),
        box=bulk.box(),
        crs=context.options.crs,
        place=context.options.place,
    )
    placed = georeference(content["geo"], setting)
    assembled = assemble(path, source, outcome, bulk, Place(context.park.frame, placed))
    issues = [*source.issues, *placed.issues, *_content_issues(content), *_death_issues(path, outcome), *assembled.issues]
    details = {
        "georeferencing": placed.told.kind,
        "left_out": content["left_out"],
        "kernels": assembled.kernels,
        "seconds_in_kernel": round(outcome.kernel_s, 3),
        "children": len(outcome.deaths) + 1,
    }
    crs = placed.told.crs or None
    return Imported(kind="ifc", models=[assembled.content], crs=crs, issues=issues, details=details)


def _ground(context: Context, lon: float, lat: float) -> float:
    xy = context.park.frame.to_enu([[lon, lat]])[:, :2]
    return float(ground_height(context.park, context.terrain, xy)[0])


def _content_issues(content: Mapping[str, Any]) -> list[Issue]:
    return [Issue(item["code"], item["severity"], item["subject"], item["details"]) for item in content["issues"]]


def _death_issues(path: Path, outcome: process.Outcome) -> list[Issue]:
    kinds = {end: outcome.deaths.count(end) for end in outcome.deaths}
    found = [Issue(f"ifc_{end}", "warning", path.name, {"times": times}) for end, times in kinds.items()]
    return [replace(issue, severity="error") if issue.code == "ifc_time_limit" else issue for issue in found]
