"""The kinds of content that 3D Tiles are built of: a function `inputs` in a file of its own, and one line here (see `tiles.source`)."""

from __future__ import annotations

from collections.abc import Sequence

from tiles.source import Source
from tiles.sources import clouds, ground, houses, lines

SOURCES: Sequence[Source] = (houses.inputs, lines.inputs, ground.inputs, clouds.inputs)
