"""The park's dataclasses from what the child wrote, the drawing and the placement."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from importers.ifc.drawing import Drawing, Place, mesh
from importers.ifc.identify import Source
from importers.ifc.kernels import ALARM_M, BOX, UNCUT
from importers.ifc.levels import Level, by_height, levels, made_up, storeys
from importers.ifc.mesh import Body, boxes
from importers.ifc.network import connections, dangling
from importers.ifc.outline import ground
from importers.ifc.process import Outcome
from importers.ifc.rooms import doors, floors, spaces
from twin.model import ATTRIBUTES, Connection, Element, Group, Issue, Mesh, Model, ModelContent

_EMPTY_NAME = re.compile(  # what programs put where nobody named anything
    r"(default|my |unnamed|untitled)?\s*(project|building|site|gebäude|projekt|项目|建筑)?\s*"
    r"(name|number|no|nr|编号|名称)?[\s\d_]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Assembled:
    """A model in the park's terms, what was wrong with single elements, and figures for the report."""

    content: ModelContent
    issues: Sequence[Issue]
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class _Found:
    """What is known of elements besides: step id -> storey by height, step id of a door -> the spaces it joins, id -> ports."""

    storeys: Mapping[int, str]
    doors: Mapping[int, Mapping[str, Any]]
    ports: Mapping[str, Sequence[Mapping[str, Any]]]

    def said(self, step: int, id_: str) -> dict[str, Any]:
        """All of it of one element."""
        ports = {"ports": self.ports[id_]} if id_ in self.ports else {}
        return {**ports, **self.doors.get(step, {}), **({"storey_by": "height"} if step in self.storeys else {})}


def assemble(path: Path, source: Source, outcome: Outcome, drawing: Drawing, place: Place) -> Assembled:
    """The model of one file.

    Its id is the GlobalId of the project (else of the building, else the file's hash) and six digits of a hash of the file's name:
    a new version of a file keeps it, and two files of one project (architecture, services) have two.
    """
    content = outcome.content
    model_id = _model_id(path, source, content)
    areas = floors(content, drawing)
    said = levels(content)
    found = said or made_up(model_id, drawing, areas)
    known = _Found(by_height(drawing, found), doors(drawing, areas), _ports(content))
    triangles = mesh(drawing, place)
    elements, issues = _elements(model_id, outcome, drawing, triangles, known)
    rooms, room_issues = spaces(model_id, content, areas, found, place)
    joints = connections(model_id, content, place)
    whole = ModelContent(
        model=_model(path, source, content, drawing, place, model_id),
        storeys=storeys(model_id, found, drawing, place),
        spaces=rooms,
        elements=elements,
        mesh=triangles,
        groups=[_group(model_id, said) for said in content["groups"]],
        connections=joints,
    )
    told = [*issues, *room_issues, *_storey_issues(path, found if not said else (), known), *_port_issues(path, content, joints)]
    return Assembled(whole, told, _figures(whole, content))


def _storey_issues(path: Path, invented: Sequence[Level], known: _Found) -> list[Issue]:
    issues: list[Issue] = []
    if invented:
        issues.append(Issue("ifc_storeys_made_up", "warning", path.name, {"count": len(invented)}))
    elif known.storeys:
        issues.append(Issue("ifc_storey_by_height", "info", path.name, {"count": len(known.storeys)}))
    return issues


def _port_issues(path: Path, content: Mapping[str, Any], joints: Sequence[Connection]) -> list[Issue]:
    inferred, left = sum(joint.is_inferred for joint in joints), dangling(content, joints)
    issues = [Issue("ifc_ports_joined_by_place", "info", path.name, {"count": inferred})] if inferred else []
    return [*issues, Issue("ifc_ports_open", "info", path.name, {"count": left, "ports": len(content["ports"])})] if left else issues


def _figures(whole: ModelContent, content: Mapping[str, Any]) -> dict[str, Any]:
    """Counts for the report: elements by kernel, groups by kind, joints and ports."""
    inferred = sum(joint.is_inferred for joint in whole.connections)
    return {
        "left_out": content["left_out"],
        "not_read": content["not_read"],
        "kernels": dict(Counter(element.kernel for element in whole.elements if element.kernel)),
        "groups": dict(Counter(group.kind for group in whole.groups)),
        "ports": len(content["ports"]),
        "connections": {"stated": len(whole.connections) - inferred, "inferred": inferred},
    }


def _group(model_id: str, said: Mapping[str, Any]) -> Group:
    return Group(said["id"], model_id, said["kind"], said["class"], said["name"], said["usage"], said["members"], said["attributes"])


def _model_id(path: Path, source: Source, content: Mapping[str, Any]) -> str:
    names = content["names"]
    said = next((names[kind]["id"] for kind in ("IfcProject", "IfcBuilding", "IfcSite") if names.get(kind, {}).get("id")), None)
    return f"{said or source.sha256[:22]}-{hashlib.blake2s(path.stem.encode(), digest_size=3).hexdigest()}"


def _model(path: Path, source: Source, content: Mapping[str, Any], drawing: Drawing, place: Place, model_id: str) -> Model:
    box = drawing.box()
    low, high = (0.0, 0.0) if box is None else place.heights(np.stack([[*box[:, :2].mean(axis=0), box[k, 2]] for k in (0, 1)])).tolist()
    built = [element for element in drawing.elements if drawing.is_building(element)] or drawing.elements
    pieces = [(element["class"], body.points(), body.faces()) for element in built if (body := drawing.bodies[element["step"]])]
    kinds = Counter(drawing.disciplines[element["step"]] for element in drawing.elements)
    return Model(
        id=model_id,
        name=_name(path, content),
        schema=content["schema"],
        sha256=source.sha256,
        georeferencing=place.georeferenced.told,
        outline=place.outline(ground(pieces, drawing.recall), float(box[0, 2]) if box is not None else 0.0),
        base_h_m=low,
        top_h_m=high,
        discipline=_main_discipline(kinds),
    )


def _main_discipline(kinds: Counter[str]) -> str:
    """Architecture if a tenth of the elements is (a house of many rafters is one still), else what most are."""
    if not kinds or kinds["architecture"] * 10 >= kinds.total():
        return "architecture"
    return kinds.most_common(1)[0][0]


def _name(path: Path, content: Mapping[str, Any]) -> str:
    """The first name of building, project or site that says something; else the file's."""
    names = [name for kind in ("IfcBuilding", "IfcProject", "IfcSite") for name in content["names"].get(kind, {}).get("names", ())]
    return next((name for name in names if not _EMPTY_NAME.fullmatch(" ".join(re.findall(r"\w+", name)))), path.stem)


def _elements(model_id: str, outcome: Outcome, drawing: Drawing, triangles: Mesh, known: _Found) -> tuple[list[Element], list[Issue]]:
    drawn = [element["step"] for element in drawing.elements]
    rows = dict(zip(drawn, boxes(triangles.vertices, drawing.bulk.counts).reshape(-1, 6).tolist(), strict=True))
    elements: list[Element] = []
    issues: list[Issue] = []
    bare: Counter[tuple[str, str]] = Counter()
    for said in outcome.content["elements"]:
        step = said["step"]
        why = "voided_by_openings" if step in outcome.voided else said["why_no_body"]
        state, reason = _state(why, drawing.bodies.get(step), outcome.failed.get(step))
        elements.append(_element(model_id, said, drawing, (state, reason, rows.get(step)), known))
        if state in {"failed", "degraded"}:
            issues.append(Issue(f"ifc_element_{state}", "warning", said["label"], {"reason": reason}))
        if state == "no_body" and reason != "aggregate":
            bare[said["class"], reason] += 1
    for (kind, reason), count in sorted(bare.items()):
        issues.append(Issue("ifc_elements_without_body", "info", kind, {"count": count, "reason": reason}))
    return elements, issues


def _ports(content: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Id of an element -> its ports."""
    found: dict[str, list[dict[str, Any]]] = {}
    for port in content["ports"]:
        said = {name: value for name, value in port.items() if name not in {"element", "at"} and value}
        found.setdefault(port["element"], []).append(said)
    return found


def _state(why_no_body: str | None, body: Body | None, failed: str | None) -> tuple[Any, str]:
    """State and reason; a product that should have a body and has none failed."""
    if body is None:
        return ("failed", failed or "no_shape") if failed or why_no_body is None else ("no_body", why_no_body)
    if body.kernel == BOX:
        return "degraded", f"drawn_as_box: {failed or 'no_shape'}"
    if body.kernel == UNCUT:
        return "degraded", "openings_not_cut"
    if body.off_m > ALARM_M and not body.is_confirmed:
        return "degraded", "box_not_as_defined"
    return "built", ""


def _element(
    model_id: str, said: Mapping[str, Any], drawing: Drawing, built: tuple[Any, str, Sequence[float] | None], known: _Found
) -> Element:
    """One element; `built` is state, reason and box."""
    step = said["step"]
    state, reason, box = built
    extra = known.said(step, said["id"])
    body = drawing.bodies.get(step)
    properties = said["properties"]
    return Element(
        id=said["id"],
        model_id=model_id,
        ifc_class=said["class"],
        name=said["name"],
        storey_id=known.storeys.get(step) or said["storey"],
        space_id=said["space"],
        type_name=said["type_name"],
        discipline=drawing.disciplines[step],
        state=state,
        kernel=body.kernel if body else None,
        reason=reason or None,
        materials=said["materials"],
        properties={**properties, ATTRIBUTES: {**properties[ATTRIBUTES], **extra}} if extra else properties,
        bbox=box,
    )
