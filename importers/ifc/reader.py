"""One IFC file from path to the park's terms: identify → build in a child → georeference → assemble."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from importers.contract import Context, Imported, Options, Progress
from importers.ifc import process
from importers.ifc.assemble import assemble
from importers.ifc.bodycache import BodyCache
from importers.ifc.drawing import Drawing, Place, draw
from importers.ifc.header import written_at
from importers.ifc.identify import Source, identify
from importers.ifc.mesh import bodies
from importers.ifc.outlinecache import Outlines
from importers.ifc.parts import Instance, read_parts
from importers.ifc.relatives import beside_relatives
from importers.ifc.scratch import scratch, terminates
from importers.ifc.standing import stand
from twin.errors import UnreadableSource
from twin.model import Issue


@dataclass(frozen=True)
class Begun:
    """What is known of a file before the park is asked: what it is, what its children made of it, all bodies, and what to remember."""

    source: Source
    outcome: process.Outcome
    instances: Sequence[Instance]
    cache: BodyCache


@contextlib.contextmanager
def begin(path: Path, options: Options, cache: Path | None, progress: Progress) -> Generator[Begun]:
    """The first part of `read`, which needs nothing of the park; what the children wrote is there until it is left.

    Raises
    ------
    UnreadableSource
        If the file cannot be opened.
    """
    if importlib.util.find_spec("ifcopenshell") is None:
        raise UnreadableSource("ifc_library_missing", subject=path.name)
    with scratch() as folder, contextlib.closing(BodyCache(cache, path.name)) as known:
        progress("reading", 0, 0)
        source = identify(path, folder, options.encoding, options.layer)
        limits = process.limits_for(source.path.stat().st_size)
        watcher = process.Watcher(progress, lambda: known.look_up(source.path, folder))
        outcome = process.build(source.path, path.name, folder, limits, watcher)
        yield Begun(source, outcome, [*known.instances(outcome.folder / "places.npz"), *read_parts(outcome.folder)], known)


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
    with terminates(), contextlib.ExitStack() as stack:
        afresh = begin(path, context.options, context.cache, context.progress)  # made when it is entered
        begun: Begun = context.early(stack) if context.early is not None else stack.enter_context(afresh)
        outlines = Outlines.of(context.cache, path.name)
        imported = _imported(
            path, context, begun.source, begun.outcome, draw(begun.outcome.content, bodies(begun.instances), outlines.recall)
        )
        outlines.keep()
        if not begun.outcome.deaths:  # what was built after a crash may be the work of a safer kernel than the next time's
            begun.cache.keep(begun.instances, begun.outcome.folder, begun.outcome.content)
        return imported


def _imported(path: Path, context: Context, source: Source, outcome: process.Outcome, bulk: Drawing) -> Imported:
    content = outcome.content
    placed = stand(content, bulk, path.name, context)
    assembled = assemble(path, source, outcome, bulk, Place(context.park.frame, placed))
    issues = [*source.issues, *placed.issues, *_content_issues(content), *_death_issues(path, outcome), *assembled.issues]
    issues += beside_relatives(assembled.content, context.relatives(), context.park.frame, path.name)
    details = {
        "georeferencing": placed.told.kind,
        **assembled.figures,
        "bodies_known": len(outcome.known.same) + len(outcome.known.moved),
        "seconds_in_kernel": round(outcome.kernel_s, 3),
        "children": len(outcome.deaths) + 1,
        **({"encoding": asdict(source.encoding)} if source.encoding else {}),
        **({"written_at": written} if (written := written_at(source.path)) else {}),
    }
    crs = placed.told.crs or None
    return Imported(
        kind="ifc",
        models=[assembled.content],
        crs=crs,
        height_datum=placed.height_datum,
        height_offset_m=placed.height_offset_m,
        encoding=source.encoding.name if source.encoding else None,
        issues=issues,
        details=details,
    )


def _content_issues(content: Mapping[str, Any]) -> list[Issue]:
    return [Issue(item["code"], item["severity"], item["subject"], item["details"]) for item in content["issues"]]


def _death_issues(path: Path, outcome: process.Outcome) -> list[Issue]:
    kinds = {end: outcome.deaths.count(end) for end in outcome.deaths}
    found = [Issue(f"ifc_{end}", "warning", path.name, {"times": times}) for end, times in kinds.items()]
    return [replace(issue, severity="error") if issue.code == "ifc_time_limit" else issue for issue in found]
