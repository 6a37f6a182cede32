"""The child process: opens the file, writes down its content and its triangles, and tells the parent how far it is.

    python -m importers.ifc.worker JOB      JOB is a folder with job.json; content.json and part-*.npz appear in it

Standard output carries one JSON object a line and nothing else: what the C++ kernel prints is led away.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

OPENED, REFUSED, LIBRARY_MISSING = 0, 3, 4  # exit statuses; any other is a crash


def main(folder: Path) -> int:
    """Do the job in `folder`; the exit status."""
    channel = _own_channel()
    job = json.loads((folder / "job.json").read_text("utf-8"))
    _limit(job["memory_bytes"])

    def tell(**message: Any) -> None:
        os.write(channel, json.dumps(message).encode() + b"\n")

    try:
        import ifcopenshell  # noqa: PLC0415  after the memory limit, and only where it is installed
    except ImportError:
        return LIBRARY_MISSING
    try:
        file = ifcopenshell.open(job["path"], format=".ifc")
    except (ifcopenshell.Error, OSError) as error:
        tell(at="refused", reason=str(error))
        return REFUSED
    log = str(ifcopenshell.get_log())
    from importers.ifc.faults import TooBroken, faults  # noqa: PLC0415

    try:
        lost = faults(Path(job["path"]), file, log)
    except TooBroken as error:
        tell(at="refused", reason=str(error))
        return REFUSED
    _do(file, folder, job, lost, tell)
    return OPENED


def _do(file: Any, folder: Path, job: dict[str, Any], lost: list[dict[str, Any]], tell: Any) -> None:
    from importers.ifc.content import read_content  # noqa: PLC0415
    from importers.ifc.kernels import EXACT, SAFE  # noqa: PLC0415
    from importers.ifc.parts import Parts, finished  # noqa: PLC0415
    from importers.ifc.tessellate import Step, Tessellation  # noqa: PLC0415

    tell(at="opened")
    content, risks = read_content(file)
    content["issues"] = lost + content["issues"]
    target = folder / "content.json"
    if not target.exists():
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(content), "utf-8")
        partial.replace(target)
    tell(at="content", bodies=list(risks))
    work = Tessellation(file, content["length_m"], Parts(folder, job["run"]), tell)
    suspects = Step(SAFE if job["safest"] else EXACT, job["suspects"], one_by_one=True)
    work.run(risks, suspects, finished(folder) | frozenset(job["given_up"]))


def _limit(memory_bytes: int) -> None:
    """Address space up to `memory_bytes`, and no core dumps of crashes that are expected."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _own_channel() -> int:
    """Standard output for us alone: the kernel's own printing goes to standard error."""
    channel = os.dup(1)
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
