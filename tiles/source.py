"""What the builder is given: tilesets to make, and what each is made of.

A kind of content is a function from the store to the tilesets it wants, in a file of its own in `tiles.sources`, and one line in the
table `tiles.sources.SOURCES`:

    def inputs(store: Store) -> Iterator[Input]:
        for layer in ...:
            yield Input(folder_name(layer.id), layer.id, lambda: Contents(ids, shown, triangles, digest, lambda: tree))

Nothing is read before `load` is called and no tree is made where the digest is that of the build before; of a tree, only the tiles are
encoded whose digest or origin is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tiles.tileset import Tile
from twin.store import Store


@dataclass(frozen=True)
class Contents:
    """What one tileset is made of."""

    ids: Sequence[str]  # of all that should be in it
    shown: Sequence[str]  # of what has a body, so is in its tiles
    triangles: int  # of the finest tiles
    digest: bytes  # of any length: a hash of all that its tiles depend on
    tree: Callable[[], Tile | None]  # None where there is nothing to show
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])  # code of a message -> ids it is about


@dataclass(frozen=True)
class Input:
    """One tileset to make."""

    folder: str  # below PARK/tiles/3dtiles; `tiles.files.folder_name` of the id, unless the address is a fixed one
    id: str
    load: Callable[[], Contents]
    is_listed: bool = True  # whether the tileset of the whole park names it


Source = Callable[[Store], Iterator[Input]]
