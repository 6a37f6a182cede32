"""How likely some bytes are in an encoding: the log-likelihood of the text they would be, by what its languages are made of.

A text in Chinese consists mostly of a thousand characters, one in Swedish of ASCII letters with single accented ones between; read in a
wrong encoding it is made of rare characters or of accents in a row. The difference of two likelihoods is how much surer one reading is:
5 nats are odds of 150 to 1.
"""

from __future__ import annotations

import codecs
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ASCII = -3.5  # nats for one character of the seventy that are common
INVALID = -20.0
_CONTROL = -18.0
_ALONE = -4.0  # a Han character between Latin letters
_CUT = -8.0  # half a character at the end, where a field of fixed width stops
_ENOUGH_BYTES = 6000  # of text that tells; more does not make it surer


@dataclass(frozen=True)
class Candidate:
    """An encoding, the codec that reads it and what programs add to it, the script it is for, and how often it is met. [nats]"""

    name: str
    codec: str
    script: str
    prior: float


CANDIDATES = (
    Candidate("UTF-8", "utf-8", "any", 0.0),
    Candidate("GBK", "gb18030", "simplified", -1.0),
    Candidate("BIG5", "big5hkscs", "traditional", -2.0),
    Candidate("SHIFT_JIS", "cp932", "japanese", -3.0),
    Candidate("EUC-KR", "cp949", "korean", -3.0),
    Candidate("CP1252", "cp1252", "cp1252", -1.0),
    Candidate("CP1250", "cp1250", "cp1250", -3.0),
    Candidate("CP1251", "cp1251", "cyrillic", -3.0),
    Candidate("CP1253", "cp1253", "greek", -4.0),
    Candidate("CP1254", "cp1254", "cp1254", -4.0),
    Candidate("CP1257", "cp1257", "cp1257", -5.0),
    Candidate("CP850", "cp850", "cp1252", -5.0),
    Candidate("CP866", "cp866", "cyrillic", -5.0),
)
_SCRIPTS = {  # of other encodings that files state
    "cyrillic": {"koi8-r", "koi8-u", "iso8859-5", "mac-cyrillic", "cp855"}, "greek": {"iso8859-7", "cp737", "cp869"},
    "cp1250": {"iso8859-2", "cp852", "mac-latin2"}, "cp1254": {"iso8859-9", "cp857"}, "cp1257": {"iso8859-4", "iso8859-13", "cp775"},
}  # fmt: skip
# share of a language's characters that are in its table of frequent ones; the others of its first plane and how many there are; the rest
_CJK: Mapping[str, tuple[float, str, tuple[int, int], int]] = {
    "simplified": (0.80, "gb2312", (0xB0, 0xD7), 3000),
    "traditional": (0.75, "big5", (0xA4, 0xC6), 4900),
    "japanese": (0.85, "shift_jis", (0x88, 0x97), 2700),
    "korean": (0.93, "euc_kr", (0xB0, 0xC8), 2000),
}
_WESTERN = "°²³µ§€–—‘’“”…«»·½¼№™©®ºª•"


@dataclass(frozen=True)
class Reading:
    """One way to read some bytes: the encoding, the share of belief it has among all (0 to 1), and its log-likelihood. [nats]"""

    candidate: Candidate
    belief: float
    likelihood: float


def candidate_of(codec: str) -> Candidate:
    """The candidate that reads by `codec`; one for its script where it is none of those that are tried by themselves."""
    known = next((each for each in CANDIDATES if each.codec == codec), None)
    script = next((script for script, codecs_of in _SCRIPTS.items() if codec in codecs_of), "cp1252")
    return known or Candidate(codec.upper(), codec, script, -1.0)


def readings(samples: Sequence[bytes]) -> list[Reading]:
    """All ways to read some pieces of text, the likeliest first.

    Repeated pieces count once; of much text a part is looked at, taken evenly over all of it.
    """
    chosen = _spread([sample for sample in dict.fromkeys(samples) if not sample.isascii()])
    scored = [(each.prior + sum(likelihood(sample, each) for sample in chosen), each) for each in CANDIDATES]
    best = max(score for score, _ in scored)
    weights = [math.exp(max((score - best) / 2, -700.0)) for score, _ in scored]  # halved: the characters of a name are not independent
    total = sum(weights)
    found = [Reading(each, weight / total, score) for (score, each), weight in zip(scored, weights, strict=True)]
    return _usual_first(sorted(found, key=lambda reading: -reading.likelihood), chosen)


def _usual_first(found: list[Reading], samples: Sequence[bytes]) -> list[Reading]:
    """The readings, with the beliefs of single-byte ones that give the very same text as CP1252 put together under that name."""
    usual = next(reading for reading in found if reading.candidate.name == "CP1252")
    same = [each for each in found if each.candidate.script[:4] == "cp12" and _alike(each.candidate, usual.candidate, samples)]
    if found[0] not in same:
        return found
    merged = Reading(usual.candidate, sum(each.belief for each in same), found[0].likelihood)
    return [merged, *(each for each in found if each not in same)]


def _alike(one: Candidate, other: Candidate, samples: Sequence[bytes]) -> bool:
    return all(_decoded(sample, one.codec) == _decoded(sample, other.codec) for sample in samples)


def likelihood(sample: bytes, candidate: Candidate) -> float:
    """The log-likelihood of one piece of text in an encoding; half a character at the end costs little. [nats]"""
    text, wrong, left = _decoded(sample, candidate.codec)
    cost = _costs(candidate.script)
    total = INVALID * wrong + _CUT * left
    letters = candidate.script not in _CJK and candidate.script != "any"
    for before, here, after in _threes(text):
        if here < "\x80":
            total += ASCII
            continue
        total += cost(here)
        if letters:
            total += _fits(before, here, after, candidate.script in {"cyrillic", "greek"})
        elif before.isalpha() and after.islower() and before < "\x80" and after < "\x80":
            total += _ALONE
    return total


def per_high_byte(samples: Sequence[bytes], candidate: Candidate) -> float:
    """The log-likelihood for each byte beyond ASCII: above -5 text of a fitting language, below -7 hardly one. [nats]"""
    chosen = _spread([sample for sample in dict.fromkeys(samples) if not sample.isascii()])
    high = sum(byte > 0x7F for sample in chosen for byte in sample)
    plain = sum(sum(character < "\x80" for character in _decoded(sample, candidate.codec)[0]) for sample in chosen)
    return (sum(likelihood(sample, candidate) for sample in chosen) - ASCII * plain) / high if high else 0.0


def _threes(text: str) -> Sequence[tuple[str, str, str]]:
    padded = f" {text} "
    return list(zip(padded, text, padded[2:], strict=False))


def _spread(samples: Sequence[bytes]) -> list[bytes]:
    """Pieces from all over, up to some thousand bytes."""
    total = sum(map(len, samples))
    if total <= _ENOUGH_BYTES:
        return list(samples)
    step = max(1, math.ceil(total / _ENOUGH_BYTES))
    cut = [sample[:_ENOUGH_BYTES] for sample in samples[::step]]
    return [piece for piece, before in zip(cut, _running(cut), strict=True) if before < _ENOUGH_BYTES]


def _running(pieces: Sequence[bytes]) -> list[int]:
    sums = [0]
    for piece in pieces:
        sums.append(sums[-1] + len(piece))
    return sums[:-1]


def _decoded(sample: bytes, codec: str) -> tuple[str, int, bool]:
    """The text, how many places of it are not in the encoding, and whether it ends in half a character."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        text, wrong = decoder.decode(sample), 0
    except UnicodeDecodeError:
        decoder = codecs.getincrementaldecoder(codec)("replace")
        text = decoder.decode(sample)
        wrong = max(1, text.count("\ufffd"))
    return text.replace("\ufffd", ""), wrong, bool(decoder.getstate()[0])


@cache
def _costs(script: str) -> Callable[[str], float]:
    """The log-likelihood of one character beyond ASCII in a script, kept once it is known."""
    known: dict[str, float] = {}
    if script == "any":
        for each in (*_CJK, "cp1252", "cp1250", "cyrillic", "greek"):
            known |= {letter: -6.9 if each in _CJK else -5.0 for letter in _table()[each] if letter not in known}
    elif script in _CJK:
        known |= dict.fromkeys(_table()[script], math.log(_CJK[script][0] / len(_table()[script])))
    else:
        known |= _letters(script)

    def cost(character: str) -> float:
        found = known.get(character)
        if found is None:
            found = known[character] = _rare(character, script)
        return found

    return cost


def _letters(script: str) -> dict[str, float]:
    """Single-byte letters: those of Greek and Cyrillic by rank, accented Latin ones alike."""
    table = _table()[script]
    if script not in {"cyrillic", "greek"}:
        return dict.fromkeys(table, math.log(0.9 / len(table))) | dict.fromkeys(_WESTERN, -6.0)
    small = table[: len(table) // 2]
    total = sum(1 / (place + 3) for place in range(len(small)))
    known = {letter: math.log(0.85 / (place + 3) / total) for place, letter in enumerate(small)}
    return known | dict.fromkeys(table[len(small) :], -5.5) | dict.fromkeys(_WESTERN, -6.5)


def _rare(character: str, script: str) -> float:
    code = ord(character)
    if code < 0xA0 or 0xE000 <= code <= 0xF8FF or code == 0xFFFD:
        return _CONTROL
    if script == "any":
        return -10.0 if 0x3400 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7AF else -8.0 if character.isalpha() else -10.0
    if script in _CJK:
        return _rare_cjk(character, script)
    return -8.0 if character.isalpha() else -11.0


def _rare_cjk(character: str, script: str) -> float:
    code = ord(character)
    if 0x3000 <= code <= 0x3017 or 0xFF01 <= code <= 0xFF5E or character in "·—…“”‘’°℃㎡①②③④⑤Ⅰ Ⅱ Ⅲ Ⅳ":
        return -8.0
    if 0xFF61 <= code <= 0xFF9F:
        return -7.0  # half-width katakana: one byte each
    share, codec, (first, last), count = _CJK[script]
    try:
        said = character.encode(codec)
    except UnicodeEncodeError:
        return -14.5
    if len(said) == 2 and first <= said[0] <= last:
        return math.log((0.98 - share) / count)
    return -13.0


def _fits(before: str, here: str, after: str, alphabet: bool) -> float:
    """What the neighbours of a high letter say: Latin accents stand alone between letters, Greek and Cyrillic ones together."""
    if not here.isalpha():
        return -4.0 if before.isalpha() and after.isalpha() else 0.0
    case = -5.0 if here.isupper() and before.islower() else 0.0
    high = sum(other >= "\x80" and other.isalpha() for other in (before, after))
    plain = sum(other < "\x80" and other.isalpha() for other in (before, after))
    if alphabet:
        return case - 3.0 * plain - (3.0 if not high else 0.0)
    return case - 2.5 * high - (2.0 if not plain else 0.0)


@cache
def _table() -> Mapping[str, str]:
    """The frequent characters of each script, in order, each once."""
    found = tomllib.loads(files("importers").joinpath("frequent.toml").read_text("utf-8"))
    return {script: "".join(dict.fromkeys("".join(str(text).split()))) for script, text in found.items()}
