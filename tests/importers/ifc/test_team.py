"""Several processes at one file: copies end as they should, batches are taken once, and two build what one builds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import ifcopenshell
import numpy as np
import pytest

from importers.contract import Context, Options
from importers.ifc import IMPORTER, process, team
from importers.ifc.content import read_content
from importers.ifc.kernels import EXACT
from importers.ifc.mesh import bodies
from importers.ifc.parts import Parts, Progress, finished, read_parts
from importers.ifc.tessellate import Enough, Step, Tessellation
from twin.crs import Frame
from twin.model import Park

PARK = Park("p", Frame(120.6, 31.3))
GENEROUS = process.Limits(total_s=120.0, silence_s=60.0, memory_bytes=8 << 30)


@pytest.fixture
def works(new_house, tmp_path):
    """A file of 240 walls, 30 of them clipped: enough for a helper beside the one who reads."""
    house = new_house()
    for k in range(240):
        wall = house.box("IfcWall", f"W{k}", (1.0 + k / 500, 0.2, 2.0), at=(2.0 * k, 0.0, 0.0))
        if k % 8 == 0:
            cut = house.file.create_entity("IfcBooleanResult", "DIFFERENCE", house.block((1.0, 0.2, 2.0)), house.block((0.5, 0.2, 1.0)))
            house.shape(wall, cut, kind="CSG")
    return house.save(tmp_path / "works.ifc")


def test_a_copy_ends_with_its_status_and_a_signal_is_told():
    assert team.wait(team.copy(lambda: 7)) == 7
    assert team.wait(team.copy(lambda: os.kill(os.getpid(), signal.SIGKILL))) == -signal.SIGKILL
    assert team.wait(team.copy(lambda: 1 // 0)) == 1


def test_every_batch_is_taken_once(tmp_path):
    batches = list(range(50))
    queue = team.Queue.of(len(batches))

    def take(name: str) -> int:
        (tmp_path / name).write_text(json.dumps(list(_slowly(queue.take(batches)))))
        return 0

    pid = team.copy(lambda: take("copy"))
    take("own")
    assert team.wait(pid) == 0
    own, copied = (json.loads((tmp_path / name).read_text()) for name in ("own", "copy"))
    assert sorted([*own, *copied]) == batches
    assert own == sorted(own)


def _slowly(batches):
    for batch in batches:
        time.sleep(0.002)
        yield batch


def test_two_processes_build_what_one_builds(works, tmp_path):
    built = {}
    for name, is_alone in (("several", False), ("alone", True)):
        folder = tmp_path / name
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "_Story", lambda is_alone=is_alone: _story(is_alone=is_alone))
            outcome = process.build(works, works.name, folder, GENEROUS, process.Watcher(lambda *said: None))
        assert outcome.failed == {}
        assert outcome.deaths == []
        built[name] = bodies(read_parts(folder)), outcome.content
    assert (tmp_path / "several" / "helper-0.json").exists()
    assert not (tmp_path / "alone" / "helper-0.json").exists()
    (several, said), (alone, told) = built["several"], built["alone"]
    assert said == told
    assert several.keys() == alone.keys()
    for step, body in alone.items():
        assert several[step].kernel == body.kernel
        assert np.array_equal(several[step].points(), body.points())
        assert np.array_equal(several[step].faces(), body.faces())


def test_a_large_file_is_read_by_one_child_and_built_by_the_next_and_its_copy(works, tmp_path):
    limits = process.Limits(total_s=120.0, silence_s=60.0, memory_bytes=8 << 30, soft_bytes=1)
    outcome = process.build(works, works.name, tmp_path, limits, process.Watcher(lambda *said: None))
    assert (tmp_path / "helper-2.json").exists()
    assert not (tmp_path / "helper-0.json").exists()
    assert (outcome.failed, outcome.deaths) == ({}, [])
    assert len(bodies(read_parts(tmp_path))) == 240


def test_two_that_have_grown_too_large_end_together_and_lose_nothing(works, tmp_path):
    """Each looks at its memory after every 32 products; what both have built is written, and the next child builds the rest."""
    file = ifcopenshell.open(works)
    risks = dict(read_content(file)[1])
    rounds = 0
    while len(done := finished(tmp_path)) < 240:
        own, helping = (Parts(tmp_path, 2 * rounds + k) for k in (1, 0))
        work = Tessellation(file, 1.0, own, lambda **said: None, lambda: True, helping)
        with contextlib.suppress(Enough):
            work.run(risks, Step(EXACT, []), Progress(done, []), [])
        rounds += 1
        built = finished(tmp_path)
        assert len(built) > len(done)
        assert built - done >= work.seen.built - done
    assert rounds > 1
    assert len(bodies(read_parts(tmp_path))) == 240


_Story = process._Story


def _story(*, is_alone: bool):
    return _Story(is_alone=is_alone)


@pytest.mark.parametrize("victim", ["first", "second"])
def test_a_copy_that_is_killed_is_gone_on_without_by_one_alone(works, victim):
    """The copies are the one that reads the content and the one that helps to build."""
    killed: set[int] = set()

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage == "geometry" and not killed:
            copies = sorted(_copies())
            if copies:
                pid = copies[0] if victim == "first" else copies[-1]
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)

    imported = IMPORTER.read(works, Context(PARK, Options(), progress=progress))
    assert killed
    assert {element.state for element in imported.models[0].elements} == {"built"}
    assert len(imported.models[0].mesh.element_ids) == 240
    assert not {issue.code for issue in imported.issues} & {"ifc_kernel_crashed", "ifc_no_sign_of_life"}


def _copies() -> list[int]:
    """Children of our children that are our worker."""
    own = [int(pid) for task in Path(f"/proc/{os.getpid()}/task").iterdir() for pid in (task / "children").read_text().split()]
    workers = [pid for pid in own if b"importers.ifc.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return [int(pid) for worker in workers for pid in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]
