"""The child process: opens the file, writes down its content and its triangles, and tells the parent how far it is.

    python -m importers.ifc.worker JOB      JOB is a folder with job.json; content.json, bodies.json and part-*.npz appear in it

Standard output carries one JSON object a line and nothing else: what the C++ kernel prints is led away. Standard input carries one line
when the parent has written known.json, the bodies that need not be built, and content.json and bodies.json, where it knows them.

Unless the job says `alone`, copies of the child take part: one writes the content while bodies are built, another one builds as well. If
anything goes wrong among several, the next child is told to be alone, and does one thing after the other. Of a large file the content is
read by one child and the bodies are built by others, one with its copy at a time: when the two have grown too large they end and ask for
another one to go on, as what a kernel has once allocated it does not give back. All of them at once had ten times the file in memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from importers.ifc import team

OPENED, REFUSED, LIBRARY_MISSING, MORE, ALONE = 0, 3, 4, 5, 6  # exit statuses; any other is a crash
_LAZY_BYTES = 8 << 20  # larger files are indexed, and each instance is read when it is asked for
_STEP_BYTES = 72 << 20  # the least that a child and its copy may grow by together after it has opened the file
_NEEDED = ("content", "faults", "opened", "tessellate")  # modules that a job needs, and this one loads only after the memory limit
_FEW = 200  # bodies that are built by the process that has read the content
_WORTH = 80  # plain bodies for which a helper is worth its start
_CLIPPED_AS = 20  # plain bodies that take as long as a clipped one
_WHY = "refused.txt"  # where a copy leaves the reason why the file is refused


def main(folder: Path) -> int:
    """Do the job in `folder`; the exit status."""
    channel = _own_channel()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    gc.disable()  # nothing here goes in circles, and the process is short-lived
    team.die_with(job["parent"])
    team.limit(job["memory_bytes"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no core dumps of crashes that are expected

    def tell(**message: Any) -> None:
        os.write(channel, json.dumps(message).encode() + b"\n")

    try:
        import ifcopenshell  # noqa: PLC0415  after the memory limit, and only where it is installed

        for name in _NEEDED:  # while the parent looks up what is known
            importlib.import_module(f"importers.ifc.{name}")
    except ImportError:
        return LIBRARY_MISSING
    if not sys.stdin.readline():
        return REFUSED  # nobody is left to build for
    path = Path(job["path"])
    try:
        file: Any = ifcopenshell.open(path, format=".ifc", lazy=path.stat().st_size > _LAZY_BYTES)  # type: ignore[call-overload]
    except (ifcopenshell.Error, OSError) as error:
        tell(at="refused", reason=str(error))
        return REFUSED
    from importers.ifc.faults import TooBroken  # noqa: PLC0415

    tell(at="opened")
    log = str(ifcopenshell.get_log())
    try:
        return _resumed(file, folder, job, tell) if (folder / "content.json").exists() else _begun(file, folder, job, tell, log)
    except TooBroken as error:
        tell(at="refused", reason=str(error))
        return REFUSED


def _resumed(file: Any, folder: Path, job: Mapping[str, Any], tell: Callable[..., None]) -> int:
    """Build what is left of a file whose content is known."""
    from importers.ifc.opened import ready  # noqa: PLC0415

    bodies = json.loads((folder / "bodies.json").read_text("utf-8"))
    if bodies["is_mended"]:
        ready(file)
    tell(at="content", bodies=[step for step, _ in bodies["risks"]])
    return _build(file, folder, job, tell)


def _begun(file: Any, folder: Path, job: Mapping[str, Any], tell: Callable[..., None], log: str) -> int:
    """Write down the content of a file and build its bodies, both at once if there may be several at work."""
    from importers.ifc.faults import faults  # noqa: PLC0415
    from importers.ifc.opened import opened  # noqa: PLC0415

    path = Path(job["path"])
    lost = faults(path, file, log)
    whole = opened(file)
    risks = list(whole.work.risks.items())
    bodies = {"risks": risks, "length_m": whole.ready.units.length_m, "is_mended": whole.ready.is_mended}
    (folder / "bodies.json").write_text(json.dumps(bodies), "utf-8")
    is_large = bool(job["soft_bytes"]) and len(risks) > _FEW  # what the reader has in memory and what the builders need is too much at once
    if job["alone"] or is_large:
        _write_content(whole, path, folder, log, lost)
        tell(at="content", bodies=[step for step, _ in risks])
        return MORE if is_large else _build(file, folder, job, tell)
    writer = team.copy(lambda: _written(lambda: _write_content(whole, path, folder, log, lost), folder))
    tell(at="content", bodies=[step for step, _ in risks])
    status = _build(file, folder, job, tell)
    if team.wait(writer):
        if (folder / _WHY).exists():
            tell(at="refused", reason=(folder / _WHY).read_text("utf-8"))
            return REFUSED
        return ALONE
    return status


def _written(write: Callable[[], None], folder: Path) -> int:
    """What the copy does that writes the content; its exit status."""
    from importers.ifc.faults import TooBroken  # noqa: PLC0415

    try:
        write()
    except TooBroken as error:
        (folder / _WHY).write_text(str(error), "utf-8")
        return REFUSED
    return OPENED


def _write_content(whole: Any, path: Path, folder: Path, log: str, lost: Sequence[dict[str, Any]]) -> None:
    """Write content.json, which appears when it is whole."""
    import ifcopenshell  # noqa: PLC0415

    from importers.ifc.content import open_content  # noqa: PLC0415
    from importers.ifc.faults import faults  # noqa: PLC0415

    rest, elements = open_content(whole, path)
    target = folder / "content.json"
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write('{"elements": [')
        for k, element in enumerate(elements):
            stream.write(f"{',' if k else ''}{_json(element)}")
        content = rest()
        later = str(ifcopenshell.get_log())  # a file read by and by tells its faults by and by
        content["issues"] = [*(faults(path, whole.file, log + later) if later else lost), *content["issues"]]
        stream.write(f"], {_json(content)[1:]}")
    partial.replace(target)


def _json(value: Any) -> str:
    """JSON; what a broken file has put in the wrong place comes out as its text."""
    return json.dumps(value, default=str)


def _build(file: Any, folder: Path, job: Mapping[str, Any], tell: Callable[..., None]) -> int:
    """Build what is neither known nor finished."""
    known = json.loads((folder / "known.json").read_text("utf-8"))
    bodies = json.loads((folder / "bodies.json").read_text("utf-8"))
    spared = {*known["same"], *known["moved"]}
    risks = {step: risk for step, risk in bodies["risks"] if step not in spared}
    if not risks and not known["moved"]:
        tell(at="end", failed=[], voided=[], beyond=[], boxed=[])
        return OPENED
    from importers.ifc.kernels import EXACT, SAFE  # noqa: PLC0415
    from importers.ifc.parts import Parts, note_doubts, progress  # noqa: PLC0415
    from importers.ifc.tessellate import Enough, HelperLost, Step, Tessellation, write_places  # noqa: PLC0415

    write_places(file, known["moved"], folder)
    own, helping = (Parts(folder, 2 * job["run"] + k, job["flush_bytes"]) for k in (1, 0))
    is_read = (folder / "content.json").exists()
    is_helped = not job["alone"] and (is_read or not job["soft_bytes"]) and _is_worth(list(risks.values()), is_read=is_read)
    limit = _most(job["soft_bytes"], 1 + is_helped)
    if not job["alone"] and (is_helped or not job["soft_bytes"]):
        team.share(job["memory_bytes"], 3)
    work = Tessellation(
        file, bodies["length_m"], own, tell, lambda: _is_enough(limit, folder / f"enough-{job['run']}"), helping if is_helped else None
    )
    suspects = Step(SAFE if job["safest"] else EXACT, job["suspects"], one_by_one=True)
    try:
        work.run(risks, suspects, progress(folder), job["given_up"])
    except Enough:
        note_doubts(folder, job["run"], work.seen.suspicious)
        return MORE
    except HelperLost:
        note_doubts(folder, job["run"], work.seen.suspicious)
        return ALONE
    return OPENED


def _most(soft_bytes: int, processes: int) -> int:
    """The memory at which each of so many processes has had enough, of which all share what is in it now; 0 where there is no end to it."""
    now = team.resident()
    return now + max(soft_bytes - now, _STEP_BYTES) // processes if soft_bytes else 0


def _is_enough(limit: int, mark: Path) -> bool:
    """Whether this process has grown beyond `limit`, or one that shares its work has: when one ends, none goes on alone."""
    if limit and not mark.exists() and team.resident() > limit:
        mark.touch()
    return bool(limit) and mark.exists()


def _is_worth(risks: Sequence[str], *, is_read: bool) -> bool:
    """Whether a second process at the bodies pays: beside the one that reads the content only where bodies are most of the work."""
    clipped = _CLIPPED_AS * risks.count("clipped")
    plain = risks.count("plain")
    return clipped + plain >= _WORTH if is_read else clipped >= max(_WORTH, plain) // 2


def _own_channel() -> int:
    """Standard output for us alone: the kernel's own printing goes to standard error."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status)  # everything is written; taking a large file apart in memory would only take time
