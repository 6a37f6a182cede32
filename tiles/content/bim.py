"""The elements of a building model, or of a model of many buildings, as features of a tileset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tiles.content.bodies import Bodies, bodies
from twin.model import Element, Mesh


def model_bodies(mesh: Mesh, elements: Sequence[Element], model_id: str, building_of: str | Mapping[str, str]) -> Bodies:
    """The elements that have triangles; one the store knows nothing else about keeps its id.

    All are of one group (see `tiles.content.shares`). `building_of` is the building of the model, or of a model of many the building of
    each element.
    """
    known = {element.id: element for element in elements}
    blank = Element(id="", model_id=model_id, ifc_class="", name="", discipline="other")
    rows = [known.get(element_id, blank) for element_id in mesh.element_ids]
    table = {
        "id": list(mesh.element_ids),
        "class": [row.ifc_class for row in rows],
        "name": [row.name for row in rows],
        "storey": [row.storey_id or "" for row in rows],
        "discipline": [row.discipline for row in rows],
        "model": [model_id] * len(rows),
        "building": [building_of if isinstance(building_of, str) else building_of.get(name, "") for name in mesh.element_ids],
    }
    return bodies(
        np.asarray(mesh.vertices, np.float64),
        np.asarray(mesh.faces, np.uint32),
        np.asarray(mesh.face_element, np.int64),
        np.asarray(mesh.face_color, np.uint8),
        table=table,
        group=np.zeros(len(rows), np.int64),
    )
