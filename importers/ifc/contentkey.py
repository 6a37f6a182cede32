"""One key for all that a file says in words and numbers: two files with the same key have the same content (see `content`).

The key holds the text of every statement and which others it refers to, by number, but for the numbers of plain geometry that content
does not look at: a wall made longer, a door moved. Content looks at the classes of bodies (they are in the key), and at coordinates of
what is not the body or the place of an ordinary element: sites, storeys, spaces, ports, grids, contexts. Everything that is not named
below as geometry counts as content; what is left out must be written as its class demands, or there is no key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from importers.ifc.steptext import Hashes, Ints, Statements

_REAL = rb"[+-]?\d{1,17}\.\d{0,17}(?:E[+-]?\d{1,2})?"
_COMMA = rb",\s?"
_NUMBERS = rb"\(" + _REAL + rb"(?:" + _COMMA + _REAL + rb"){1,2}\)"
_LIST = rb"\(" + _NUMBERS + rb"(?:" + _COMMA + _NUMBERS + rb")*\)(?:" + _COMMA + rb"\$)?"
_REF, _PLACE = rb"#\d+", rb"(?:#\d+|\$)"
_NAME = rb"(?:'(?:[ !-&(-\[\]-~]|\\X2\\(?:[0-9A-F]{4})+\\X0\\)*'|\$)"
# classes whose numbers may be left out, and how they are written: no other way of writing them is taken for the same content
_FORMS = {
    b"IFCCARTESIANPOINT": [_NUMBERS],
    b"IFCDIRECTION": [_NUMBERS],
    b"IFCVECTOR": [_REF, _REAL],
    b"IFCCARTESIANPOINTLIST2D": [_LIST],
    b"IFCCARTESIANPOINTLIST3D": [_LIST],
    b"IFCEXTRUDEDAREASOLID": [_REF, _PLACE, _REF, _REAL],
    b"IFCREVOLVEDAREASOLID": [_REF, _PLACE, _REF, _REAL],
    b"IFCCIRCLE": [_REF, _REAL],
    b"IFCELLIPSE": [_REF, _REAL, _REAL],
    b"IFCBLOCK": [_REF, _REAL, _REAL, _REAL],
    b"IFCRIGHTCIRCULARCYLINDER": [_REF, _REAL, _REAL],
    b"IFCBOUNDINGBOX": [_REF, _REAL, _REAL, _REAL],
    b"IFCRECTANGLEPROFILEDEF": [rb"\.AREA\.", _NAME, _PLACE, _REAL, _REAL],
    b"IFCCIRCLEPROFILEDEF": [rb"\.AREA\.", _NAME, _PLACE, _REAL],
    b"IFCCIRCLEHOLLOWPROFILEDEF": [rb"\.AREA\.", _NAME, _PLACE, _REAL, _REAL],
}
# what a body is made of and content does not look into; a class that is missing here costs a hit and nothing else
_SHAPES = frozenset(
    b"IFC" + name
    for name in (
        b"PRODUCTDEFINITIONSHAPE SHAPEREPRESENTATION REPRESENTATIONMAP STYLEDITEM SHAPEASPECT PRESENTATIONLAYERASSIGNMENT "
        b"PRESENTATIONLAYERWITHSTYLE CONNECTIONSURFACEGEOMETRY CONNECTIONCURVEGEOMETRY CONNECTIONPOINTGEOMETRY MAPPEDITEM "
        b"FACETEDBREP FACETEDBREPWITHVOIDS CLOSEDSHELL OPENSHELL FACE FACEBOUND FACEOUTERBOUND POLYLOOP FACEBASEDSURFACEMODEL "
        b"SHELLBASEDSURFACEMODEL CONNECTEDFACESET POLYLINE COMPOSITECURVE COMPOSITECURVESEGMENT TRIMMEDCURVE LINE INDEXEDPOLYCURVE "
        b"ARBITRARYCLOSEDPROFILEDEF ARBITRARYPROFILEDEFWITHVOIDS BOOLEANRESULT BOOLEANCLIPPINGRESULT HALFSPACESOLID "
        b"POLYGONALBOUNDEDHALFSPACE PLANE CURVEBOUNDEDPLANE GEOMETRICSET GEOMETRICCURVESET TRIANGULATEDFACESET POLYGONALFACESET "
        b"INDEXEDPOLYGONALFACE INDEXEDCOLOURMAP CARTESIANTRANSFORMATIONOPERATOR3D CSGSOLID"
    ).split()
)
_AXES = frozenset((b"IFCAXIS2PLACEMENT2D", b"IFCAXIS2PLACEMENT3D", b"IFCAXIS1PLACEMENT"))
_PLACEMENT = b"IFCLOCALPLACEMENT"
# products of whose place content says nothing
_ORDINARY = frozenset(
    b"IFC" + name
    for name in (
        b"WALL WALLSTANDARDCASE SLAB ROOF DOOR WINDOW COLUMN BEAM MEMBER PLATE STAIR STAIRFLIGHT RAMP RAMPFLIGHT RAILING COVERING FOOTING "
        b"PILE CURTAINWALL BUILDINGELEMENTPROXY BUILDINGELEMENTPART OPENINGELEMENT FURNISHINGELEMENT FURNITURE SYSTEMFURNITUREELEMENT "
        b"FLOWTERMINAL FLOWSEGMENT FLOWFITTING FLOWCONTROLLER FLOWMOVINGDEVICE FLOWSTORAGEDEVICE FLOWTREATMENTDEVICE "
        b"ENERGYCONVERSIONDEVICE DISTRIBUTIONCONTROLELEMENT DISCRETEACCESSORY MECHANICALFASTENER FASTENER REINFORCINGBAR REINFORCINGMESH "
        b"SANITARYTERMINAL LIGHTFIXTURE PIPESEGMENT PIPEFITTING DUCTSEGMENT DUCTFITTING AIRTERMINAL VALVE PUMP SENSOR OUTLET "
        b"CABLECARRIERSEGMENT TRANSPORTELEMENT"
    ).split()
)
_FRAME = re.compile(rb"ISO-10303-21;|HEADER;|FILE_DESCRIPTION\s*\(.*\);|FILE_NAME\s*\(.*\);|ENDSEC;|DATA;|END-ISO-10303-21;", re.DOTALL)
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([\w.]+)'\s*\)\s*\);")
_REST = 20  # pieces of text beside the statements: a header has seven
_WORDY = 1 << 13  # bytes of one of them beyond which it is not looked at
_DEEPEST = 100  # places in places
_MOST = 5000  # changes that are looked at; more are no small change
_LONGEST = 1 << 16  # bytes of one of them


@dataclass(frozen=True)
class Fingerprint:
    """The key of a file's content, and one hash for each statement that is in it without its numbers, in the file's order."""

    key: bytes
    left_out: Hashes


@dataclass(frozen=True)
class Saying:
    """A file's fingerprint, and where in the file the statements begin that are without their numbers. [byte]"""

    fingerprint: Fingerprint
    at: Ints

    def is_same(self, known: Hashes, path: Path) -> bool:
        """Whether a file of the same key said the same: what is different now of `known` (its `left_out`) is written as it should be."""
        own = self.fingerprint.left_out
        if known.shape != own.shape:
            return False
        changed = self.at[known != own].tolist()
        if len(changed) > _MOST:
            return False
        with path.open("rb") as stream:
            return all(_is_well_written(stream, at) for at in changed)


def saying(text: Statements) -> Saying | None:
    """The fingerprint of a file's content; None where the file has anything that is not read here."""
    schema = _schema(text.rest)
    is_left_out = _left_out(text) if schema is not None and not (text.target < 0).any() else None
    if schema is None or is_left_out is None:
        return None
    said = np.where(is_left_out, text.kinds, text.local)
    digest = hashlib.blake2b(schema, digest_size=16)
    for part in (text.steps, is_left_out, said, np.bincount(text.owner, minlength=len(text.steps)), text.target):
        digest.update(f"{part.dtype}{len(part)}".encode())
        digest.update(np.ascontiguousarray(part).data)
    return Saying(Fingerprint(digest.digest(), text.local[is_left_out]), text.at[is_left_out])


def _schema(rest: tuple[bytes, ...]) -> bytes | None:
    """The schema; None where there is more beside the statements than there has to be."""
    if len(rest) > _REST or any(len(part) > _WORDY for part in rest):
        return None
    bare = [_COMMENT.sub(b"", part).strip() for part in rest]
    others = [part for part in bare if not _FRAME.fullmatch(part)]
    found = _SCHEMA.fullmatch(others[0]) if len(others) == 1 else None
    return found[1] if found else None


def _left_out(text: Statements) -> NDArray[np.bool_] | None:
    """Whether each statement (n,) is one whose numbers content does not look at; None where places are in places without end."""
    has_numbers = text.is_kind(*_FORMS)
    is_axes, is_placement = text.is_kind(*_AXES), text.is_kind(_PLACEMENT)
    is_looked_at = ~(has_numbers | is_axes | is_placement | text.is_kind(*_SHAPES))
    below = has_numbers | is_axes | is_placement
    follows = below[text.target] & ~(is_placement[text.target] & text.is_kind(*_ORDINARY)[text.owner])
    owner, target = text.owner[follows], text.target[follows]
    for _ in range(_DEEPEST):
        found = target[is_looked_at[owner] & ~is_looked_at[target]]
        if not len(found):
            return has_numbers & ~is_looked_at
        is_looked_at[found] = True
    return None


def _is_well_written(stream: IO[bytes], at: int) -> bool:
    stream.seek(at)
    return _well_written().match(stream.read(_LONGEST)) is not None


@cache
def _well_written() -> re.Pattern[bytes]:
    forms = b"|".join(name + rb"\(" + _COMMA.join(arguments) + rb"\)" for name, arguments in _FORMS.items())
    return re.compile(rb"#\d+\s?=\s?(?:" + forms + rb");")
