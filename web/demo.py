"""The sample park, built from its sources: what is there already is not made again, and a build that was broken off goes on."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress as Bars

from importers.contract import Options
from importers.pipeline import import_files
from tiles.build import build
from twin.crs import Frame
from twin.errors import Conflict, NotFound
from twin.i18n import message
from twin.indicators import pack
from twin.indicators.score import kept_scorecard, score
from twin.model import Park
from twin.store import Store, create_store, open_store

if TYPE_CHECKING:
    from sample_park import Source

PACK = "chengdu-2021"
_NO_LAYER = {"model", "device", "terrain"}  # kinds that are no layers of features


def sample_park_at(folder: Path, bars: Bars, lang: str, *, scored: bool = True) -> Store:
    """The sample park in `folder`, whole, with its tiles built and, where asked for, its scorecard made.

    Raises
    ------
    NotFound
        If the sources are not part of this installation.
    Conflict
        If the folder holds something else.
    SourceError
        If a source is refused.
    """
    try:
        import sample_park  # noqa: PLC0415  it lies beside the program in a checkout, and is no part of an installation
    except ModuleNotFoundError as error:
        raise NotFound("demo_no_sources") from error
    store = _opened(folder, _described(sample_park.DATA.parent / "manifest.toml"))
    _import(store, sample_park.manifest(), bars, message("demo_importing", lang))
    task = bars.add_task(message("demo_tiles", lang), total=None)
    build(store, progress=lambda _, done, total: bars.update(task, completed=done, total=total))
    if scored:
        _score(store, bars, lang)
    return store


def _score(store: Store, bars: Bars, lang: str) -> None:
    """Judge the park once, so that its scorecard is there when the page opens."""
    chosen = pack(PACK)
    if kept_scorecard(store, chosen) is None:
        task = bars.add_task(message("demo_scoring", lang), total=len(chosen.rows))
        score(store, chosen, done=lambda: bars.advance(task))


def _opened(folder: Path, park: Park) -> Store:
    """The park that is in `folder`, or a new one."""
    if not (folder / "park.gpkg").is_file():
        return create_store(folder, park)
    store = open_store(folder)
    if store.park().name != park.name:
        raise Conflict("demo_elsewhere", subject=folder)
    return store


def _described(manifest: Path) -> Park:
    told = tomllib.loads(manifest.read_text("utf-8"))["park"]
    lon, lat = told["origin"]
    return Park(f"{told['name_zh']} · {told['name']}", Frame(lon, lat), told["crs"], told["height_datum"])


def _import(store: Store, sources: Sequence[Source], bars: Bars, title: str) -> None:
    task = bars.add_task(title, total=len(sources))
    for source in sources:
        bars.update(task, description=f"{title}: {source.file.name}")
        layer = None if source.kind in _NO_LAYER else source.layer
        options = Options(kind=source.kind, layer=layer, crs=source.options.get("crs"))
        for outcome in import_files(store, [source.file], options):
            if outcome.error is not None:
                raise outcome.error
        bars.advance(task)
