"""Footprints put together, against the same done to arrays of truth values."""

from __future__ import annotations

import numpy as np
import pytest

from twin.coverage.footprint import NOWHERE, Footprint
from twin.coverage.joining import at_once, either, in_doubt

CELLS = 3


def random_bits(rng: np.random.Generator) -> np.ndarray:
    """For each bound, which of 64 x 64 pieces of a few cells are covered (3, cells, 64, 64): certain within known within possible."""
    out = np.zeros((3, CELLS, 64, 64), bool)
    for cell in range(CELLS):
        for part in rng.choice(64, 6, replace=False):
            kind = rng.integers(0, 4)
            upper = np.ones(64, bool) if kind == 0 else rng.random(64) < 0.7
            value = upper if kind in {0, 1} else upper & (rng.random(64) < 0.6)
            lower = value if kind == 0 else value & (rng.random(64) < 0.5)
            out[:, cell, part] = lower, value, upper
    return out


def packed(bits: np.ndarray) -> Footprint:
    """The footprint of truth values: parts covered as a whole in masks, the others piece by piece."""
    whole = np.zeros((CELLS, 3), np.uint64)
    place, fine = [], []
    for cell in range(CELLS):
        for part in range(64):
            row = np.zeros(3, np.uint64)
            for b in range(3):
                pieces = bits[b, cell, part]
                if pieces.all():
                    whole[cell, b] |= np.uint64(1) << np.uint64(part)
                else:
                    row[b] = np.uint64(int("".join("1" if p else "0" for p in pieces[::-1]), 2))
            if row.any():
                place.append(64 * cell + part)
                fine.append(row)
    return Footprint(np.arange(CELLS, dtype=np.int32), whole, np.arange(CELLS) + 1.0, np.array(place, np.int64), np.array(fine, np.uint64))


def unpacked(footprint: Footprint) -> np.ndarray:
    out = np.zeros((3, CELLS, 64, 64), bool)
    for cell, whole in zip(footprint.cell, footprint.whole, strict=True):
        for b in range(3):
            for part in range(64):
                out[b, cell, part] |= bool(int(whole[b]) >> part & 1)
    for place, fine in zip(footprint.place, footprint.fine, strict=True):
        for b in range(3):
            held = out[b, place // 64, place % 64]
            out[b, place // 64, place % 64] = held | np.array([bool(int(fine[b]) >> k & 1) for k in range(64)])
    return out


@pytest.mark.parametrize("seed", range(4))
def test_both_and_either_are_what_they_say_bit_by_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = [random_bits(rng) for _ in range(3)]
    prints = [packed(each) for each in bits]
    assert (unpacked(at_once(prints)) == np.logical_and.reduce(bits)).all()
    assert (unpacked(either(prints)) == np.logical_or.reduce(bits)).all()


@pytest.mark.parametrize("seed", range(4))
def test_doubt_takes_each_bound_from_its_own_view_and_keeps_them_in_order(seed: int) -> None:
    rng = np.random.default_rng(10 + seed)
    least, value, most = (random_bits(rng) for _ in range(3))
    found = unpacked(in_doubt(packed(least), packed(value), packed(most)))
    assert (found[0] == least[0]).all()
    assert (found[1] == (least[0] | value[1])).all()
    assert (found[2] == (least[0] | value[1] | most[2])).all()
    assert not (found[0] & ~found[1]).any()
    assert not (found[1] & ~found[2]).any()


def test_a_footprint_with_itself_is_itself_and_with_nothing_nothing() -> None:
    bits = random_bits(np.random.default_rng(3))
    whole = packed(bits)
    assert (unpacked(in_doubt(whole, whole, whole)) == bits).all()
    assert not unpacked(at_once([whole, NOWHERE])).any()
    assert (unpacked(either([whole, NOWHERE])) == bits).all()
    assert len(at_once([]).cell) == 0
