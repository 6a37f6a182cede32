"""What each statement of a STEP file says, as a hash that does not depend on how the statements are numbered.

A statement's hash is made of its text without the numbers of references, and of the hashes of what it refers to, in order (a Merkle
tree). It has 64 bits: good against chance (a file of a million statements has two alike once in 30 million), not against intent. Read
block by block with numpy and without a parser, 40 MB take a second. Whatever is not `#1=NAME(…);` is passed over; what refers to it
then has no hash, which costs a hit of the cache and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 16
_LONGEST = 1 << 25  # bytes of a statement beyond which the file is left alone
_PAD = 80  # bytes of nothing after a block, so that what follows its last character can be looked at
_DIGITS, _NAME, _BLANKS = 12, 64, 3
_REST = 32  # pieces of other text that are told of one block
_COMMENT, _DATA = b"/*", b"DATA;"
_HASH, _QUOTE, _SEMICOLON, _OPEN, _EQUALS, _ZERO, _BLANK = (ord(c) for c in "#';(=0 ")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BASE = np.uint64(0xD1342543DE82EF95)  # odd, so that its powers have inverses modulo 2^64
Hashes = NDArray[np.uint64]  # (n,)
Ints = NDArray[Any]  # of int64 or, where there are many, int32
_Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Statements:
    """The n statements of a file in its order, and the m references between them, ordered by the statement that refers.

    `owner` and `target` are indices of statements; a target of -1 is not in the file.
    """

    steps: Ints  # (n,) the numbers they are referred to by
    kinds: Hashes  # (n,) one number for each class
    names: Mapping[int, bytes]  # that number -> class in capitals
    local: Hashes  # (n,) hash of the text without the numbers of references
    leads: NDArray[np.bool_]  # (n,) whether the first argument is a reference
    owner: Ints  # (m,)
    target: Ints  # (m,)
    at: Ints  # (n,) where in the file each begins [byte]
    rest: tuple[bytes, ...]  # what else there is, the first pieces of each block, and `/*` for comments among the statements

    def of_kind(self, *names: bytes) -> Ints:
        """Indices of the statements of some classes."""
        return np.flatnonzero(self.is_kind(*names))

    def is_kind(self, *names: bytes) -> NDArray[np.bool_]:
        """Whether each statement (n,) is of one of some classes."""
        wanted = [number for number, name in self.names.items() if name in names]
        return np.isin(self.kinds, np.array(wanted, np.uint64))


def read_statements(path: Path) -> Statements | None:
    """The statements of a file; None where a number is given twice, a statement is of unreasonable length, or there are none."""
    with path.open("rb") as stream:
        parts = list(_parts(stream))
    if not parts or parts[-1] is None:
        return None
    known = [part for part in parts if part is not None]
    steps = np.concatenate([part.steps for part in known])
    offsets = np.cumsum([0, *(len(part.steps) for part in known)])
    order = np.argsort(steps, kind="stable")
    ordered = steps[order]
    if not len(ordered) or (np.diff(ordered) == 0).any():
        return None
    wanted = np.concatenate([part.target for part in known])  # (m,) numbers
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return Statements(
        steps,
        np.concatenate([part.kinds for part in known]),
        {number: name for part in known for number, name in part.names.items()},
        np.concatenate([part.local for part in known]),
        np.concatenate([part.leads for part in known]),
        np.concatenate([part.owner + np.int32(offset) for part, offset in zip(known, offsets.tolist(), strict=False)]),
        np.where(ordered[place] == wanted, order[place], -1).astype(np.int32),
        np.concatenate([part.at for part in known]),
        tuple(text for part in known for text in part.rest),
    )


def statements_in(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file in blocks that end with the end of a statement, what is left over last."""
    text = b""
    while data := stream.read(max(_BLOCK, len(text))):
        text += data
        end = _last_end(text)
        if end:
            yield text[:end]
            text = text[end:]
    if text:
        yield text


def _last_end(text: bytes) -> int:
    """Where the last statement of a text ends that begins outside a string; 0 where none does."""
    end = text.rfind(b";") + 1
    while end and text.count(b"'", 0, end) % 2:  # inside the string that the last quote begins
        end = text.rfind(b";", 0, text.rfind(b"'", 0, end)) + 1
    return end


def _parts(stream: IO[bytes]) -> Iterator[Statements | None]:
    """The statements block by block, `target` still as numbers; None, and the end, where one is too long."""
    passed = 0
    for text in statements_in(stream):
        if len(text) > _LONGEST:
            yield None
            return
        block = np.frombuffer(text, np.uint8)
        inside = np.cumsum(block == _QUOTE, dtype=np.uint8) & 1  # a quote within a string is doubled: it leaves and enters again
        ends = np.flatnonzero((block == _SEMICOLON) & (inside == 0))
        if len(ends):
            cut = int(ends[-1]) + 1
            part = _scan(np.concatenate([block[:cut], np.zeros(_PAD, np.uint8)]), inside[:cut] == 0, ends)
            yield replace(part, at=part.at + passed, rest=(*part.rest, *_left(text, cut, is_first=not passed)))
        elif text.strip():
            none, number = np.empty(0, np.int64), np.empty(0, np.uint64)
            yield Statements(none, number, {}, number, np.empty(0, bool), none.astype(np.int32), none, none, (text,))
        passed += len(text)


def _left(text: bytes, cut: int, *, is_first: bool) -> tuple[bytes, ...]:
    """What follows the last statement of a block, and the begin of a comment where there is one among the statements."""
    body = text.partition(_DATA)[2] if is_first else text
    return tuple(each for each in (text[cut:].strip(), _COMMENT if _COMMENT in body else b"") if each)


def _scan(text: _Bytes, outside: NDArray[np.bool_], ends: Ints) -> Statements:
    """The statements of a padded block that ends with one; `outside` is true for what is not in a string."""
    body = text[: len(outside)]
    marks = np.flatnonzero((body == _HASH) & outside)
    numbers, digits = _numbers(text, marks)
    statement = np.searchsorted(ends, marks)
    starts = np.concatenate([[0], ends[:-1] + 1])
    ink = np.concatenate([[0], np.cumsum(body > _BLANK, dtype=np.int64)])
    begins = (ink[marks] == ink[starts[statement]]) & (digits > 0)  # nothing but blanks before it
    equals = _after_blanks(text, marks[begins] + 1 + digits[begins])
    name = _after_blanks(text, equals + 1)
    opens = np.flatnonzero((body == _OPEN) & outside)
    paren = np.append(opens, len(body))[np.searchsorted(opens, name)]
    end = ends[statement[begins]]
    good = (text[equals] == _EQUALS) & (paren < end) & (paren > name) & (paren < name + _NAME)
    steps, equals, name, paren, end = numbers[begins][good], equals[good], name[good], paren[good], end[good]
    row = np.full(len(ends), -1)
    row[statement[begins][good]] = np.arange(len(steps))
    refers = ~begins & (digits > 0) & (row[statement] >= 0)
    hidden = np.zeros(len(body), bool)
    for k in range(int(digits[refers].max(initial=0))):
        long = marks[refers][digits[refers] > k]
        hidden[long + 1 + k] = True
    terms = _Terms.of(body, hidden)
    kinds = terms.hashed(name, paren)
    return Statements(
        steps,
        kinds,
        _names(text, kinds, name, paren),
        terms.hashed(equals, end),
        text[_after_blanks(text, paren + 1)] == _HASH,
        row[statement[refers]].astype(np.int32),
        numbers[refers],
        marks[begins][good],
        tuple(body[starts[k] : ends[k] + 1].tobytes().strip() for k in np.flatnonzero(row < 0)[:_REST].tolist()),
    )


def _numbers(text: _Bytes, marks: Ints) -> tuple[Ints, Ints]:
    """The number after each mark, and how many digits it has."""
    value, digits = np.zeros(len(marks), np.int64), np.zeros(len(marks), np.int64)
    left = np.arange(len(marks))
    for k in range(_DIGITS):
        figure = text[marks[left] + 1 + k] - np.uint8(_ZERO)  # wraps round to more than 9 for what is no digit
        left, figure = left[figure <= 9], figure[figure <= 9]
        if not len(left):
            break
        value[left] = value[left] * 10 + figure
        digits[left] += 1
    return value, digits


def _after_blanks(text: _Bytes, at: Ints) -> Ints:
    for _ in range(_BLANKS):
        at = at + (text[at] <= _BLANK)
    return at


def _names(text: _Bytes, kinds: Hashes, start: Ints, end: Ints) -> dict[int, bytes]:
    numbers, first = np.unique(kinds, return_index=True)
    return {number: text[start[k] : end[k]].tobytes().strip().upper() for number, k in zip(numbers.tolist(), first.tolist(), strict=True)}


@dataclass(frozen=True)
class _Terms:
    """A polynomial over a text, from which the hash of any stretch of it follows."""

    values: Hashes
    place: Any  # how many characters that are not hidden end at each

    @classmethod
    def of(cls, body: _Bytes, hidden: NDArray[np.bool_]) -> _Terms:
        place = np.cumsum(~hidden, dtype=np.int32)
        values = _symbols()[body]
        values *= _powers(1 << len(body).bit_length())[0][place]
        values[hidden] = 0
        return cls(values, place)

    def hashed(self, start: Ints, end: Ints) -> Hashes:
        """Hash of each stretch from `start` to before `end`, as if what is hidden were not there."""
        if not len(start):
            return np.empty(0, np.uint64)
        sums = np.add.reduceat(self.values, np.stack([start, end], axis=1).reshape(-1))[::2]
        return mixed(sums * _powers(1 << len(self.values).bit_length())[1][self.place[start]])


@cache
def _symbols() -> Hashes:
    """A number without pattern for each byte."""
    return mixed(np.arange(1, 257, dtype=np.uint64) * _GOLDEN)


@cache
def _powers(n: int) -> tuple[Hashes, Hashes]:
    inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
    powers, inverses = np.full(n, _BASE), np.full(n, inverse)
    powers[0] = inverses[0] = 1
    return np.cumprod(powers, dtype=np.uint64), np.cumprod(inverses, dtype=np.uint64)


def mixed(values: Hashes) -> Hashes:
    """Each number scattered over 64 bits (the finalizer of SplitMix64, Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True)
class Tree:
    """Hashes (n,) of statements with all they refer to; `is_known` is false where that leads out of the file or in a circle."""

    hashes: Hashes
    is_known: NDArray[np.bool_]


def tree(local: Hashes, owner: Ints, target: Ints) -> Tree:
    """The hashes of n statements with all they refer to, from those that refer to nothing upwards.

    Parameters
    ----------
    local
        Hash of each statement's own text (n,).
    owner, target
        The references (m,), ordered by owner and, within one, as they stand in the text; -1 for what is not there.
    """
    n = len(local)
    counts = np.bincount(owner, minlength=n)
    first = np.cumsum(counts) - counts
    weight = (np.arange(len(owner)) - first[owner] + 1).astype(np.uint64) * _GOLDEN
    backward = np.argsort(target, kind="stable").astype(np.int32)
    back_counts = np.bincount(target + 1, minlength=n + 1)
    back_first = np.cumsum(back_counts) - back_counts
    pending = counts.copy()
    hashes, is_known = local.copy(), np.zeros(n, bool)
    ready = np.flatnonzero(pending == 0)
    while len(ready):
        is_known[ready] = True
        edges, sizes = _ranges(first[ready], counts[ready])
        if len(edges):
            terms = mixed(hashes[target[edges]] + weight[edges])
            sums = np.add.reduceat(terms, (np.cumsum(sizes) - sizes)[sizes > 0])
            having = ready[sizes > 0]
            hashes[having] = mixed(local[having] + sums)
        above, _ = _ranges(back_first[ready + 1], back_counts[ready + 1])
        users, times = np.unique(owner[backward[above]], return_counts=True)
        pending[users] -= times
        ready = users[pending[users] == 0]
    return Tree(hashes, is_known)


def _ranges(first: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """The numbers of many ranges one after the other, and the sizes."""
    total = int(sizes.sum())
    if not total:
        return np.empty(0, np.int64), sizes
    starts = np.cumsum(sizes) - sizes
    return np.arange(total) + np.repeat(first - starts, sizes), sizes
