"""A drawing's model space walked: layers that are shown, blocks laid out or taken as things, text set aside, the rest counted."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import shapely
from ezdxf.math import Matrix44, Vec3
from shapely.errors import ShapelyError

from importers.dxf.drawing import MOST_PIECES, Label, Piece, Symbol
from importers.dxf.shapes import asymmetry_deg, shape_of
from importers.dxf.things import stands_for
from importers.dxf.words import Words, placed_text
from importers.vocabulary import longest_match
from twin.errors import UnreadableSource

DEEPEST = 32  # blocks within blocks
_LAID_OUT = {"MLINE", "ACAD_PROXY_ENTITY"}  # what the library can draw as simpler entities
_ANNOTATION = {
    "DIMENSION", "ARC_DIMENSION", "LARGE_RADIAL_DIMENSION", "LEADER", "MULTILEADER", "MLEADER", "TOLERANCE", "VIEWPORT", "ATTDEF", "XLINE",
    "RAY", "ACAD_TABLE", "WIPEOUT", "IMAGE", "UNDERLAY", "PDFUNDERLAY", "DWFUNDERLAY", "DGNUNDERLAY", "OLE2FRAME", "OLEFRAME",
}  # fmt: skip
_NOT_SYMBOL = {*_ANNOTATION, *_LAID_OUT, "TEXT", "MTEXT", "ATTRIB", "INSERT"}
_READ_ERRORS = (ArithmeticError, AttributeError, LookupError, ShapelyError, TypeError, ValueError)


@dataclass(frozen=True)
class Within:
    """Where in nested blocks an entity stands: the layer it inherits, what the blocks' attributes say, the names and the outermost handle.

    Inside a block that stands for a thing only other things count; its lines are the symbol's.
    """

    layer: str = ""
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])
    names: tuple[str, ...] = ()
    handle: str = ""
    things_only: bool = False


@dataclass
class Walk:
    """One walk through a drawing, and what it found."""

    doc: Any
    words: Words
    chord: float
    says_zero: bool  # whether the drawing writes every rotation, so that zero may mean that nobody turned a block
    given: str | None = None  # the kind of device that all blocks are, where the person says so
    pieces: list[Piece] = field(default_factory=list[Piece])
    symbols: list[Symbol] = field(default_factory=list[Symbol])
    labels: list[Label] = field(default_factory=list[Label])
    left_out: Counter[str] = field(default_factory=Counter[str])
    axes: dict[str, float | None] = field(default_factory=dict[str, "float | None"])

    def run(self) -> None:
        """Walk the model space.

        Raises
        ------
        UnreadableSource
            If blocks within blocks would make more of it than anybody drew.
        """
        if entities_of(self.doc, self.doc.modelspace(), {}) > MOST_PIECES:
            raise UnreadableSource("dxf_too_many", subject=self.doc.filename or "", count=MOST_PIECES)
        for entity in self.doc.modelspace():
            self._take(entity, Within())

    def _take(self, entity: Any, within: Within) -> None:
        """One entity on its layer; what lies on layer 0 within a block lies on the block's."""
        own = str(entity.dxf.get("layer", "0"))
        layer = within.layer if own == "0" and within.layer else own
        if not self._is_shown(entity, layer):
            return
        here = replace(within, layer=layer, handle=within.handle or str(entity.dxf.get("handle") or ""))
        try:
            self._kept(entity, here)
        except _READ_ERRORS:
            self.left_out[f"{entity.dxftype()} (damaged)"] += 1

    def _kept(self, entity: Any, here: Within) -> None:
        """The entity among what was found, or counted as left out."""
        kind = entity.dxftype()
        if kind == "INSERT":
            self._insert(entity, here)
        elif here.things_only:
            return
        elif kind in {"TEXT", "MTEXT"}:
            self._label(entity, here)
        elif kind in _LAID_OUT and len(here.names) < DEEPEST:
            self._laid_out(entity, here)
        elif not self._drawn(entity, here):
            self.left_out[kind] += 1

    def _is_shown(self, entity: Any, layer: str) -> bool:
        table = self.doc.layers
        state = table.get(layer) if table.has_entry(layer) else None
        if state is not None and (state.is_frozen() or state.is_off()):
            self.left_out["frozen" if state.is_frozen() else "off"] += 1
            return False
        if entity.dxf.get("invisible", 0):
            self.left_out["invisible"] += 1
            return False
        return True

    def _drawn(self, entity: Any, here: Within) -> bool:
        """Whether the entity has geometry, which is kept."""
        if entity.dxftype() in _ANNOTATION:
            return False
        shape = shape_of(entity, self.chord)
        if shape is None or shape.geometry.is_empty:
            return False
        said = {**here.said, **shape.said}
        self.pieces.append(Piece(self.words.said(here.layer), here.handle, entity.dxftype(), shape.geometry, said))
        return True

    def _laid_out(self, entity: Any, here: Within) -> None:
        parts = list(entity.virtual_entities())
        if not parts:
            self.left_out[entity.dxftype()] += 1
        for part in parts:
            self._take(part, replace(here, names=(*here.names, entity.dxftype())))

    def _label(self, entity: Any, here: Within) -> None:
        flowing = entity.dxftype() == "MTEXT"
        text = self.words.paragraph(entity.text) if flowing else self.words.line(entity.dxf.text)
        if not text:
            return
        at, middle = placed_text(entity, text)
        self.labels.append(Label(self.words.said(here.layer), here.handle, text, at, middle))

    def _insert(self, entity: Any, here: Within) -> None:
        """A block set in: things become symbols, everything else is laid out."""
        block = entity.block()
        if block is None or block.block.is_xref or block.block.is_xref_overlay:
            self.left_out["XREF" if block is not None else "INSERT (no block)"] += 1
            return
        if entity.mcount > 1:
            self._array(entity, here)
            return
        if len(here.names) >= DEEPEST or entity.dxf.name in here.names:
            self.left_out["INSERT (endless)"] += 1
            return
        name = self.words.said(true_name(self.doc, entity.dxf.name))
        said = {**self._attributes(entity, block), "block": name}
        is_thing = stands_for(name, self.words.said(here.layer), said, None if here.names else self.given)
        if is_thing:
            self._symbol(entity, block, here, said)
        inner = replace(here, said=said, names=(*here.names, entity.dxf.name), things_only=here.things_only or is_thing)
        for part in entity.virtual_entities(skipped_entity_callback=lambda part, _why: self.left_out.update([part.dxftype()])):
            self._take(part, inner)

    def _array(self, entity: Any, here: Within) -> None:
        """A block set in in rows and columns: one after the other."""
        for k, single in enumerate(entity.multi_insert()):
            self._take(single, replace(here, handle=f"{here.handle}.{k + 1}"))

    def _attributes(self, entity: Any, block: Any) -> dict[str, Any]:
        """What attributes say, the block's constant ones included, by tag."""
        constant = {each.dxf.tag: each.dxf.text for each in block.query("ATTDEF") if each.is_const}
        own = {each.dxf.tag: _text_of(each) for each in entity.attribs}
        return {self.words.said(tag): said for tag, text in {**constant, **own}.items() if (said := self.words.line(text))}

    def _symbol(self, entity: Any, block: Any, here: Within, said: Mapping[str, Any]) -> None:
        matrix: Matrix44 = entity.matrix44()
        at = matrix.transform(Vec3(block.base_point))
        ahead = matrix.transform_direction(Vec3(0, 1, 0) if longest_match("drawing_axis_y", said["block"]) else Vec3(1, 0, 0))
        is_turned = self._is_turned(entity) and math.hypot(ahead.x, ahead.y) > 0
        turn = math.degrees(math.atan2(ahead.y, ahead.x))
        where = (float(at.x), float(at.y), float(at.z))
        layer, axis = self.words.said(here.layer), self._axis(block)
        self.symbols.append(Symbol(layer, here.handle, said["block"], where, turn, is_turned, said, axis))

    def _is_turned(self, entity: Any) -> bool:
        """Whether somebody turned the block: no rotation, or zero where the drawing writes it for all, may mean that nobody did."""
        ahead = entity.matrix44().transform_direction(Vec3(1, 0, 0))
        if abs(math.atan2(ahead.y, ahead.x)) > 1e-9:
            return True
        return bool(entity.dxf.hasattr("rotation")) and not self.says_zero

    def _axis(self, block: Any) -> float | None:
        """Where the block's symbol points, from what it draws."""
        if block.name not in self.axes:
            base = Vec3(block.base_point)
            found = [shape_of(each, self.chord) for each in block if each.dxftype() not in _NOT_SYMBOL]
            drawn = [shapely.transform(each.geometry, lambda p: p - [base.x, base.y]) for each in found if each is not None]
            self.axes[block.name] = asymmetry_deg(drawn)
        return self.axes[block.name]


def entities_of(doc: Any, layout: Any, known: dict[str, int]) -> int:
    """How many entities a layout or block has once all its blocks are laid out; blocks that contain themselves count once."""
    total = 0
    for entity in layout:
        total += 1
        if entity.dxftype() == "INSERT":
            name = str(entity.dxf.name)
            if name not in known:
                known[name] = 0
                block = doc.blocks.get(name)
                known[name] = entities_of(doc, block, known) if block is not None else 0
            total += known[name] * max(1, entity.mcount)
    return total


def true_name(doc: Any, name: str) -> str:
    """The name a block was defined under: that of the dynamic block an anonymous one was made of, and without the drawing it came from."""
    record = doc.block_records.get(name) if doc.block_records.has_entry(name) else None
    if record is not None and name.startswith("*") and record.has_xdata("AcDbBlockRepBTag"):
        for tag in record.get_xdata("AcDbBlockRepBTag"):
            origin = doc.entitydb.get(tag.value) if tag.code == 1005 else None
            if origin is not None and origin.dxftype() == "BLOCK_RECORD":
                name = str(origin.dxf.name)
    return name.split("$")[-1] if "$0$" in name else name


def _text_of(attribute: Any) -> str:
    if attribute.has_embedded_mtext_entity:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(attribute.virtual_mtext_entity().text)
    return str(attribute.dxf.text)
