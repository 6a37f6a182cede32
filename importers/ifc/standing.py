"""A model among what the park already knows: laid on a building's footprint where asked, else compared with footprints and ground.

A model that is asked onto a footprint goes there if one answer stands out, or if the person confirms; otherwise it stays where its file
says and the answers are listed, each as the `--place` that would choose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers import controltable
from importers.contract import Context
from importers.heights import heights
from importers.ifc.compared import compared, off_ground
from importers.ifc.drawing import Drawing
from importers.ifc.footprint import Choice, Fit, Standing, choose, targets
from importers.ifc.georeference import Georeferenced, georeference, placed
from importers.ifc.mesh import boxes
from importers.ifc.scene import Scene, apart
from importers.ifc.setting import Setting
from importers.ifc.silhouette import silhouettes
from importers.position import is_footprint
from twin.model import Issue, Severity
from twin.terrain import ground_height

_DECIDED: Mapping[str, tuple[str, Severity]] = {
    "shape": ("ifc_on_footprint", "info"),
    "place": ("ifc_on_footprint_by_place", "info"),
    "north": ("ifc_on_footprint_by_north", "info"),
    "place_north": ("ifc_on_footprint_by_place_and_north", "info"),
    "confirmed": ("ifc_on_footprint_confirmed", "warning"),
}
_STRAY_M = 20_000.0  # an element farther than this from the middle one belongs to no building of the model
_PLACE_ONLY = frozenset({  # what no longer matters to a model that was laid on a footprint
    "ifc_not_georeferenced", "ifc_far_from_park", "ifc_offset_removed", "ifc_site_without_elevation", "ifc_default_place",
})  # fmt: skip


def stand(content: Mapping[str, Any], drawing: Drawing, name: str, context: Context) -> Georeferenced:
    """Where a model comes to stand.

    Parameters
    ----------
    content
        What the child read from the file.
    drawing
        The bodies. [m, model]
    name
        The file, as the subject of issues.
    context
        The park and the person's options.

    Raises
    ------
    UsageError
        If `--place` or `--height-datum` cannot be understood.
    SourceError
        If the control points of `--control` cannot be read or trusted.
    """
    control = controltable.local_grid(context)
    box, strays = _main_box(drawing)
    setting = Setting(
        name=name,
        frame=context.park.frame,
        ground=lambda lon, lat: _ground(context, lon, lat),
        box=box,
        crs=context.options.crs,
        place=context.options.place,
        heights=lambda stated: heights(name, stated, context),
        control=control,
        remarks=tuple(controltable.remarks(name, control, context.options)) if control is not None else (),
    )
    by_file = georeference(content["geo"], setting)
    if strays:
        stray = Issue("ifc_strays", "warning", name, {"count": strays})
        by_file = replace(by_file, issues=[*by_file.issues, stray])
    among = targets(context.footprints(), setting.frame)
    is_asked = setting.place is not None and is_footprint(setting.place)
    shape = silhouettes(drawing, content["storeys"]) if among.buildings or context.terrain is not None else None
    if shape is None:
        issue = Issue("ifc_footprint_none", "warning", name)
        return replace(by_file, issues=[*by_file.issues, issue]) if is_asked else by_file
    scene = Scene(name, context, setting, content["geo"], by_file, shape, among)
    final = _on_footprint(scene) if is_asked else compared(scene)
    return replace(final, issues=[*final.issues, *off_ground(replace(scene, placed=final))])


def _main_box(drawing: Drawing) -> tuple[NDArray[np.float64] | None, int]:
    """The box of a model without what lies far from everything else (2, 3) [m, model], and how many elements that is.

    A marker left at the origin of a model in map coordinates would put the middle of the two where nothing is.
    """
    box = drawing.box()
    if box is None or not drawing.elements or float(np.hypot(*(box[1] - box[0])[:2])) < _STRAY_M:
        return box, 0
    each = boxes(drawing.bulk.vertices, drawing.bulk.counts)
    middles = each.mean(axis=1)
    is_near = np.linalg.norm((middles - np.median(middles, axis=0))[:, :2], axis=1) < _STRAY_M
    if not is_near.any():
        return box, 0
    return np.stack([each[is_near, 0].min(axis=0), each[is_near, 1].max(axis=0)]), int((~is_near).sum())


def _ground(context: Context, lon: float, lat: float) -> float:
    xy = context.park.frame.to_enu([[lon, lat]])[:, :2]
    return float(ground_height(context.park, context.terrain, xy)[0])


def _on_footprint(scene: Scene) -> Georeferenced:
    """The model on the footprint that stands out or, confirmed, on the best one; where its file says, and told why, otherwise."""
    if not scene.targets.buildings:
        return scene.told(Issue("ifc_footprint_none", "warning", scene.name))
    found = scene.found()
    choice = choose(found, scene.own)
    if choice.fit is None and scene.context.options.is_confirmed and found:
        best = _preferred(found, scene.own)
        choice = Choice(best, "confirmed", [fit for fit in found if fit is not best])
    if choice.fit is not None:
        return _laid(scene, choice.fit, choice)
    good = [fit for fit in found if fit.is_good()]
    details = {"count": len(good), "candidates": scene.listed(good or found)}
    return scene.told(Issue("ifc_footprint_ambiguous" if good else "ifc_footprint_unlike", "warning", scene.name, details))


def _preferred(found: Sequence[Fit], own: Standing) -> Fit:
    """Of the answers nobody can tell from the best one, that which the file's own place and north come nearest to."""
    level = [fit for fit in found if not found[0].beats(fit)]
    return min(level, key=lambda fit: apart(fit, own))


def _laid(scene: Scene, fit: Fit, choice: Choice) -> Georeferenced:
    """The model on a footprint, and an issue with how well it lies there and before what it was chosen."""
    code, severity = _DECIDED[choice.decided_by]
    second = choice.others[0] if choice.others else None
    details = scene.figures(fit) | {
        "second": f"{second.building.name} ({second.closeness.cost_m:.2f} m, {second.closeness.iou:.2f})" if second else "–",
        "candidates": scene.listed(choice.others),
    }
    kept = [issue for issue in scene.placed.issues if issue.code not in _PLACE_ONLY]
    laid = placed(scene.anchor(fit), scene.setting, [*kept, Issue(code, severity, scene.name, details)])
    return replace(laid, height_offset_m=scene.context.options.height_offset_m or 0.0)
