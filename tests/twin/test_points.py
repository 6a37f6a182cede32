"""Points as a park keeps them: what was written comes back, what is no such file is refused."""

from __future__ import annotations

import numpy as np
import pytest

from twin.points import POINT, STEP_M, read_points, write_points


def test_points_come_back(tmp_path):
    random = np.random.default_rng(0)
    parts = [np.zeros(n, POINT) for n in (3, 0, 1000)]
    for part in parts:
        part["xyz"] = random.integers(-(2**31), 2**31, (len(part), 3))
        part["color"] = random.integers(0, 256, (len(part), 3))
        part["class"] = random.integers(0, 256, len(part))
    path = tmp_path / "a.points"
    assert write_points(path, np.array([1.0, -2.0, 3.5]), parts, lambda: "intensity") == 1003
    found = read_points(path)
    assert found.color == "intensity"
    assert np.array_equal(found.points, np.concatenate(parts))
    assert found.xyz(slice(0, 2)) == pytest.approx([1.0, -2.0, 3.5] + STEP_M * parts[0]["xyz"][:2])
    assert path.stat().st_size == 64 + 16 * 1003


def test_no_points_are_points(tmp_path):
    path = tmp_path / "none.points"
    write_points(path, np.zeros(3), [], lambda: "none")
    assert len(read_points(path).points) == 0


@pytest.mark.parametrize("spoil", [lambda b: b[:40], lambda b: b[:-1], lambda b: b"X" + b[1:], lambda b: b[:12] + b"\x09" + b[13:]])
def test_what_was_cut_or_is_another_file_is_refused(tmp_path, spoil):
    path = tmp_path / "a.points"
    write_points(path, np.zeros(3), [np.zeros(5, POINT)], lambda: "rgb")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a\.points"):
        read_points(path)
