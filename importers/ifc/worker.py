"""The child process: opens the file, writes down its content and its triangles, and tells the parent how far it is.

    python -m importers.ifc.worker JOB      JOB is a folder with job.json; content.json, bodies.json and part-*.npz appear in it

Standard output carries one JSON object a line and nothing else: what the C++ kernel prints is led away. Standard input carries one line
when the parent has written known.json, the bodies that need not be built, and content.json and bodies.json, where it knows them. A child
that has grown too large ends and asks for another one to go on: what a kernel has once allocated it does not give back.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPENED, REFUSED, LIBRARY_MISSING, MORE = 0, 3, 4, 5  # exit statuses; any other is a crash
_LAZY_BYTES = 8 << 20  # larger files are indexed, and each instance is read when it is asked for
_STEP_BYTES = 48 << 20  # the least that a child may grow by after it has opened the file
_FEW = 200  # bodies that are built by the process that has read the content
_PR_SET_PDEATHSIG = 1


def main(folder: Path) -> int:
    """Do the job in `folder`; the exit status."""
    channel = _own_channel()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    gc.disable()  # nothing here goes in circles, and the process is short-lived
    _die_with(job["parent"])
    _limit(job["memory_bytes"])

    def tell(**message: Any) -> None:
        os.write(channel, json.dumps(message).encode() + b"\n")

    try:
        import ifcopenshell  # noqa: PLC0415  after the memory limit, and only where it is installed
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
        is_new = _write_content(file, path, folder, log, tell)
    except TooBroken as error:
        tell(at="refused", reason=str(error))
        return REFUSED
    return _build(file, folder, job, tell, is_fresh=not is_new)


def _write_content(file: Any, path: Path, folder: Path, log: str, tell: Callable[..., None]) -> bool:
    """Write content.json and bodies.json, unless an earlier child did; whether it was done now."""
    target = folder / "content.json"
    if target.exists():
        bodies = json.loads((folder / "bodies.json").read_text("utf-8"))
        if bodies["is_mended"]:
            from importers.ifc.content import ready  # noqa: PLC0415

            ready(file)
        tell(at="content", bodies=[step for step, _ in bodies["risks"]])
        return False
    import ifcopenshell  # noqa: PLC0415

    from importers.ifc.content import open_content  # noqa: PLC0415
    from importers.ifc.faults import faults  # noqa: PLC0415

    lost = faults(path, file, log)
    rest, found, elements = open_content(file, path)
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write('{"elements": [')
        for k, element in enumerate(elements):
            stream.write(f"{',' if k else ''}{_json(element)}")
        content = rest()
        later = str(ifcopenshell.get_log())  # a file read by and by tells its faults by and by
        content["issues"] = (faults(path, file, log + later) if later else lost) + content["issues"]
        stream.write(f"], {_json(content)[1:]}")
    bodies = {"risks": list(found.risks.items()), "length_m": content["length_m"], "is_mended": found.is_mended}
    (folder / "bodies.json").write_text(json.dumps(bodies), "utf-8")
    partial.replace(target)
    tell(at="content", bodies=list(found.risks))
    return True


def _json(value: Any) -> str:
    """JSON; what a broken file has put in the wrong place comes out as its text."""
    return json.dumps(value, default=str)


def _build(file: Any, folder: Path, job: dict[str, Any], tell: Callable[..., None], *, is_fresh: bool) -> int:
    """Build what is neither known nor finished; a process that has read a large file's content leaves more than a little to another."""
    known = json.loads((folder / "known.json").read_text("utf-8"))
    bodies = json.loads((folder / "bodies.json").read_text("utf-8"))
    spared = {*known["same"], *known["moved"]}
    risks = {step: risk for step, risk in bodies["risks"] if step not in spared}
    if not risks and not known["moved"]:
        tell(at="end", failed=[], voided=[], beyond=[], boxed=[])
        return OPENED
    if job["soft_bytes"] and not is_fresh and len(risks) > _FEW:
        return MORE
    from importers.ifc.kernels import EXACT, SAFE  # noqa: PLC0415
    from importers.ifc.parts import Parts, progress  # noqa: PLC0415
    from importers.ifc.tessellate import Enough, Step, Tessellation, write_places  # noqa: PLC0415

    write_places(file, known["moved"], folder)
    limit = max(job["soft_bytes"], _resident() + _STEP_BYTES) if job["soft_bytes"] else 0
    parts = Parts(folder, job["run"], job["flush_bytes"])
    work = Tessellation(file, bodies["length_m"], parts, tell, lambda: bool(limit) and _resident() > limit)
    suspects = Step(SAFE if job["safest"] else EXACT, job["suspects"], one_by_one=True)
    try:
        work.run(risks, suspects, progress(folder), job["given_up"])
    except Enough:
        return MORE
    return OPENED


def _resident() -> int:
    """Bytes this process has in memory; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _limit(memory_bytes: int) -> None:
    """Address space up to `memory_bytes`, and no core dumps of crashes that are expected."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with(parent: int) -> None:
    """Have Linux end this process when its parent ends, however that happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(REFUSED)


def _own_channel() -> int:
    """Standard output for us alone: the kernel's own printing goes to standard error."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(status)  # everything is written; taking a large file apart in memory would only take time
