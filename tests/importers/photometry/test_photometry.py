"""Photometry against closed forms of flux, against each other's format, and against what the manufacturers state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from importers.contract import Context, Imported, Options
from importers.photometry import IMPORTER
from importers.photometry.sphere import from_type_a_or_b, written_out
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park

CONTEXT = Context(Park("p", Frame(104.0, 30.0)), Options())


def ies(
    horizontal: list[float], vertical: list[float], candela: np.ndarray, *, kind: int = 1, tilt: str = "TILT=NONE", head: str = "-1 1"
) -> str:
    lumens, multiplier = head.split()
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in candela)
    return (
        f"IESNA:LM-63-2002\n[TEST] 1\n[MANUFAC] Someone\n[LUMINAIRE] 路灯\n[MORE] 60 W\n{tilt}\n"
        f"1 {lumens} {multiplier} {len(vertical)} {len(horizontal)} {kind} 2 0.1 0.2 0.3\n1.0 1.0 60\n"
        f"{' '.join(map(str, vertical))}\n{' '.join(map(str, horizontal))}\n{rows}\n"
    )


def ldt(symmetry: int, c: list[float], gamma: list[float], per_1000: np.ndarray, flux: float = 2000.0) -> str:
    head = [
        "Someone",
        "1",
        str(symmetry),
        str(len(c)),
        str(c[1] - c[0] if len(c) > 1 else 0),
        str(len(gamma)),
        "5",
        "r",
        "lamp",
        "7",
        "f",
        "d",
    ]
    sizes = ["500", "350", "80", "500", "350", "0", "0", "0", "0", "100", "100", "1,0", "0"]
    lamps = ["1", "1", "LED", str(flux), "4000", "80", "20,5"]
    table = [f"{value:.6f}".replace(".", ",") for row in per_1000 for value in row]
    return "\r\n".join([*head, *sizes, *lamps, *["0.5"] * 10, *map(str, c), *map(str, gamma), *table])


def read(tmp_path: Path, name: str, text: str) -> Imported:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert IMPORTER.recognises(path, path.read_bytes()[:65536]) >= 90
    return IMPORTER.read(path, CONTEXT)


GAMMA = [float(g) for g in np.arange(0, 181, 2.5)]


def test_a_lamp_alike_in_all_directions_gives_four_pi(tmp_path: Path) -> None:
    found = read(tmp_path, "a.ies", ies([0.0], GAMMA, np.full((1, len(GAMMA)), 100.0)))
    assert found.photometries[0].lumens == pytest.approx(400 * np.pi, rel=1e-6)
    assert found.photometries[0].name == "路灯 60 W"
    assert found.photometries[0].watts == 60


def test_a_lambertian_lamp_gives_pi(tmp_path: Path) -> None:
    row = np.maximum(100 * np.cos(np.radians(GAMMA)), 0)[None]
    assert read(tmp_path, "a.ies", ies([0.0], GAMMA, row)).photometries[0].lumens == pytest.approx(100 * np.pi, rel=2e-3)


@pytest.mark.parametrize(
    "planes", [[0, 30, 60, 90], [0, 45, 90, 135, 180], [90, 135, 180, 225, 270], [0, 90, 180, 270, 360], [0, 90, 180, 270]]
)
def test_symmetries_are_written_out(planes: list[float]) -> None:
    def shine(c: np.ndarray) -> np.ndarray:
        angle = np.radians(c)
        if planes[-1] == 90:
            return 10 + np.cos(2 * angle)
        if planes[-1] == 180:
            return 10 + np.cos(angle)
        return 10 + np.sin(angle)

    gamma = np.array([0.0, 90.0])
    found = written_out(np.array(planes, float), gamma, np.repeat(shine(np.array(planes, float))[:, None], 2, axis=1))
    assert (found.c_deg[0], found.c_deg[-1]) == (0, 360)
    assert (np.diff(found.c_deg) > 0).all()
    assert np.allclose(found.candela[:, 0], shine(found.c_deg))


@pytest.mark.parametrize("symmetry", [0, 1, 2, 3, 4])
def test_eulumdat_symmetries(tmp_path: Path, symmetry: int) -> None:
    c = [float(k) for k in range(0, 360, 30)]
    shapes = {0: lambda a: 200 + 50 * np.cos(a) + 20 * np.sin(a), 1: lambda a: 200 + 0 * a, 2: lambda a: 200 + 50 * np.cos(a),
              3: lambda a: 200 + 50 * np.sin(a), 4: lambda a: 200 + 50 * np.cos(2 * a)}  # fmt: skip
    rows = {0: c, 1: [0.0], 2: c[:7], 3: [270.0, 300, 330, 0, 30, 60, 90], 4: c[:4]}[symmetry]
    gamma = [float(g) for g in range(0, 181, 5)]
    table = np.repeat(shapes[symmetry](np.radians(rows))[:, None], len(gamma), axis=1)
    found = read(tmp_path, "a.ldt", ldt(symmetry, c, gamma, table)).photometries[0]
    expected = shapes[symmetry](np.radians(found.c_deg)) * 2.0
    assert np.allclose(np.array(found.candela)[:, 3], expected, atol=1e-4)
    assert found.lumens == pytest.approx(4 * np.pi * 400, rel=1e-3)
    assert found.watts == 20.5


@pytest.mark.parametrize("kind", ["A", "B"])
def test_other_types_keep_the_beam_where_it_points(kind: str) -> None:
    h, v = np.arange(-90.0, 91, 5), np.arange(-90.0, 91, 5)
    table = np.zeros((len(h), len(v)))
    table[np.argmin(abs(h - 40)), np.argmin(abs(v - 0))] = 1000.0  # 40 degrees to the side
    found = from_type_a_or_b(kind, h, v, table)
    c, g = np.unravel_index(np.argmax(found.candela), found.candela.shape)
    assert (found.c_deg[c], found.gamma_deg[g]) == (90.0, 40.0)


def test_multipliers_and_tilt_are_counted(tmp_path: Path) -> None:
    row = np.full((1, len(GAMMA)), 50.0)
    tilt = "TILT=INCLUDE\n1\n3\n0 45 90\n1.0 0.9 0.8"
    assert read(tmp_path, "a.ies", ies([0.0], GAMMA, row, tilt=tilt, head="1200 2")).photometries[0].lumens == pytest.approx(400 * np.pi)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ies([0.0], GAMMA, np.full((1, len(GAMMA)), 5.0))[:-200], "photometry_cut_off"),
        (ies([0.0], GAMMA, np.full((1, len(GAMMA)), -5.0)), "photometry_negative"),
        (ies([0.0], GAMMA, np.zeros((1, len(GAMMA)))), "photometry_dark"),
        (ies([0.0, 50.0], GAMMA, np.full((2, len(GAMMA)), 5.0)), "photometry_planes"),
        (ies([0.0], GAMMA[::-1], np.full((1, len(GAMMA)), 5.0)), "photometry_not_ascending"),
        (ies([0.0], GAMMA, np.full((1, len(GAMMA)), 5.0), kind=7), "photometry_type"),
        ("IESNA:LM-63-2002\nTILT=NONE\n1 1 1 1e300 1e300 1 1 0 0 0 1 1 1", "photometry_angles"),
        ("IESNA:LM-63-2002\nTILT=NONE\n1 1 1 3999 3999 1 1 0 0 0 1 1 1", "photometry_cut_off"),
    ],
)
def test_what_is_broken_is_refused_with_a_sentence(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "a.ies"
    path.write_text(text, "utf-8")
    with pytest.raises(UnreadableSource) as refused:
        IMPORTER.read(path, CONTEXT)
    assert refused.value.code == code
    assert "{" not in refused.value.text("zh")


def test_real_files_give_the_flux_their_makers_state(shared_data: Path) -> None:
    stated = {
        "ITALO_street.ies": 10580,
        "Indoor_60W_120G.ies": 5300,
        "LEDVANCE_FL_MAX_600W_SYM60.ldt": 80420,
        "LEDVANCE_FL_MAX_900W_ASYM.ldt": 122754,
    }
    for name, lumens in stated.items():
        found = IMPORTER.read(shared_data / "photometry" / name, CONTEXT)
        assert found.photometries[0].lumens == pytest.approx(lumens, rel=2e-3)
        assert not found.issues


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("encoding", "named"), [("gbk", "GBK"), ("utf-8", "UTF-8"), ("utf-16", "UTF-16")])
def test_chinese_names_in_any_encoding_and_lines_of_any_end(tmp_path: Path, ends: str, encoding: str, named: str) -> None:
    name = "欧普照明 道路照明灯具 单臂路灯"
    text = ies([0.0], [0.0, 90.0, 180.0], np.full((1, 3), 100.0)).replace("路灯\n[MORE] 60 W", name)
    path = tmp_path / "a.ies"
    path.write_bytes(text.replace("\n", ends).encode(encoding))
    imported = IMPORTER.read(path, CONTEXT)
    assert IMPORTER.recognises(path, path.read_bytes()) == 95
    assert (imported.photometries[0].name, imported.encoding) == (name, named)
    assert imported.photometries[0].lumens == pytest.approx(400 * np.pi, rel=1e-4)
