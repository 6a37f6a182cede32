"""The named evaluation lines of a park, gathered from its store: `perimeter_line` and `main_road_centreline`.

Lines are plan geometry in the park's frame; their length is level, not along the slope. What was taken away is among the exclusions
with reason and length [m], so that pieces and exclusions together are the whole line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twin.coverage.surface import LinePiece, Lines
from twin.errors import UnknownParameter
from twin.measures.centrelines import main_road_centreline
from twin.measures.perimeter import perimeter_line
from twin.store import Store

__all__ = ["LINES", "LinePiece", "Lines", "gather_lines"]

LINES = ("perimeter_line", "main_road_centreline")


def gather_lines(store: Store, line_id: str, *, classes: Sequence[str] | None = None) -> Lines:
    """The pieces of a named line, in the park's frame.

    Parameters
    ----------
    store
        The park.
    line_id
        One of LINES.
    classes
        For roads: which classes are main, instead of those that say so by themselves.

    Raises
    ------
    UnknownParameter
        If no line is called so.
    MissingInput
        If the park has nothing it could be made of.
    """
    named: Mapping[str, Callable[[], Lines]] = {
        "perimeter_line": lambda: perimeter_line(store),
        "main_road_centreline": lambda: main_road_centreline(store, classes),
    }
    if line_id not in named:
        raise UnknownParameter("line_unknown", subject=line_id, known=", ".join(LINES))
    return named[line_id]()
