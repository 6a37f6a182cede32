"""What a wall takes from a radio wave, from what it is made of.

A wall is a stack of layers between air. The wave matrices of all layers are multiplied, for both polarisations; transmitted powers are
averaged over the two, and over slightly thinner and thicker walls, because the ripple of one exact thickness is not what a real wall
does. One layer alone gives the slab formula of the Recommendation exactly.

             air | layer 1 | layer 2 | air
      theta  ----|---------|---------|---->  T
                   eta = a f^b - j 17.98 c f^d / f

Materials come by their names, in Chinese, English and German, by the first keyword found. What a name does not tell is taken from
`KINDS`: a likely make-up for each kind of part, with the best and the worst one known to be common.

Trees are no slabs: what they take grows with the way through their crowns (`vegetation_db`).

Sources: ITU-R P.2040-3 table 3 and section 2.2.2 (slab, eqs. 43-44; layers); coated glass: 3GPP TR 38.901 table 7.4.3-1 (IRR glass);
vegetation: ITU-R P.833-9 section 2 (terminal in woodland).
Solid slabs only: hollow blocks and reinforcement need measured values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

SPEED_OF_LIGHT = 299_792_458.0  # [m/s]
CAP_DB = 60.0  # what goes round a metal wall is more than what goes through it
STEEPEST_DEG = 80.0  # beyond it a ray runs along the wall, and a flat infinite slab is no picture of that any more
THICKNESS_SPREAD = 0.10
RIPPLE_SAMPLES = 5


@dataclass(frozen=True)
class Material:
    """Electrical properties by frequency f [GHz]: relative permittivity a f^b, conductivity c f^d [S/m], and where they hold."""

    a: float
    b: float
    c: float
    d: float
    f_ghz: tuple[float, float]
    source: str = "ITU-R P.2040-3 table 3"

    def eta(self, f_ghz: float) -> complex:
        """Complex relative permittivity (eq. 9)."""
        return complex(self.a * f_ghz**self.b, -17.98 * self.c * f_ghz**self.d / f_ghz)


_ASSUMED = "assumption: porous, little denser than air"
MATERIALS: Mapping[str, Material] = {
    "air": Material(1.0, 0.0, 0.0, 0.0, (0.001, 100.0)),
    "concrete": Material(5.24, 0.0, 0.0462, 0.7822, (1.0, 100.0)),
    "brick": Material(3.91, 0.0, 0.0238, 0.16, (1.0, 40.0)),
    "plasterboard": Material(2.73, 0.0, 0.0085, 0.9395, (1.0, 100.0)),
    "wood": Material(1.99, 0.0, 0.0047, 1.0718, (0.001, 100.0)),
    "glass": Material(6.31, 0.0, 0.0036, 1.3394, (0.1, 100.0)),
    "ceiling_board": Material(1.48, 0.0, 0.0011, 1.0750, (1.0, 100.0)),
    "chipboard": Material(2.58, 0.0, 0.0217, 0.78, (1.0, 100.0)),
    "plywood": Material(2.71, 0.0, 0.33, 0.0, (1.0, 40.0)),
    "marble": Material(7.074, 0.0, 0.0055, 0.9262, (1.0, 60.0)),
    "floorboard": Material(3.66, 0.0, 0.0044, 1.3515, (50.0, 100.0)),
    "metal": Material(1.0, 0.0, 1e7, 0.0, (1.0, 100.0)),
    "ground": Material(15.0, -0.1, 0.035, 1.63, (1.0, 10.0)),
    "insulation": Material(1.2, 0.0, 0.0, 0.0, (0.1, 100.0), _ASSUMED),
}

# the first line with a keyword in the name decides, so that glass wool is no glass and reinforced concrete no metal; stud layers,
# furring and joists are drawn as solid layers but are cavities with thin sections in them
KEYWORDS: Sequence[tuple[str, str]] = (
    (
        "insulation",
        (
            "insul|wool|wolle|batt\\b|fib(?:er|re) ?glass|\\beps|\\bxps|polystyr|styro|polyureth|foam|dämm|daemm"
            "|isolier|isolation|isolatie|isolasjon|保温|隔热|岩棉|棉|聚苯|泡沫"
        ),
    ),
    (
        "air",
        (
            "\\bair\\b|luft|cavity|\\bstuds?\\b|stender|ständer|staender|f[iu]rring|joist|barrier|retarder|membrane|damp ?-?proof"
            "|dampf|dampsperre|vapou?r|\\bfelt\\b|\\bpaint|anstrich|空气|空腔|龙骨|防水|防潮|卷材|涂料|腻子|油漆"
        ),
    ),
    ("chipboard", "chipboard|particle ?board|\\bmdf|\\bosb|fibre ?board|fiber ?board|spanplatte|刨花板|纤维板|密度板"),
    ("plywood", "plywood|sperrholz|胶合板|多层板|夹板"),
    ("plasterboard", "plaster|gypsum|dry ?wall|gips|\\bgkb|putz|rigips|stucco|石膏|抹灰|粉刷"),
    ("ceiling_board", "ceiling|acoustic|akustik|deckenplatte|吊顶|天花|矿棉板|吸音"),
    ("brick", "brick|masonry|ziegel|mauer|klinker|kalksand|backstein|brique|block|aerated|porenbeton|ytong|砖|砌体|砌块|加气"),
    (
        "concrete",
        "concrete|beton|béton|cement|zement|screed|estrich|mortar|mörtel|\\bc ?[1-9][05]\\b|\\bc ?\\d\\d/\\d\\d|砼|混凝土|水泥|砂浆",
    ),
    ("wood", "wood|timber|lumber|holz|oak|pine|spruce|birch|cherry|mahogany|maple|walnut|eiche|buche|fichte|kiefer|bois|hout|木|竹"),
    ("floorboard", "floor ?board|laminate|laminat|parket|parkett|linoleum|vinyl|地板"),
    ("glass", "glass|glaz|glas|verre|玻璃|幕墙"),
    ("marble", "marble|granite|stone|\\btiles?\\b|ceramic|marmor|granit|stein|fliese|keramik|大理石|花岗|石材|瓷砖|面砖|石"),
    ("metal", "metal|steel|alumin|\\balu\\b|iron|copper|zinc|zink|chrome|stahl|eisen|blech|kupfer|acier|钢|铁|铝|铜|金属|锌"),
    ("ground", "soil|earth|erde|boden|gravel|kies|\\bsand\\b|土|砂|碎石"),
)


@dataclass(frozen=True)
class Layer:
    """One layer of a wall: a key of `MATERIALS` and how thick it is."""

    material: str
    thickness_m: float


Layers = tuple[Layer, ...]


def material_of(name: str) -> str | None:
    """The key of `MATERIALS` that a material's name (Chinese, English, German) stands for; None where it tells nothing."""
    lowered = name.lower()
    return next((key for key, words in _patterns() if words.search(lowered)), None)


def slab_loss_db(layers: Layers, f_ghz: float, angle_deg: ArrayLike = 0.0, *, spread: float = THICKNESS_SPREAD) -> FloatArray:
    """Loss through a wall of layers.

    Parameters
    ----------
    layers
        The layers in order; thickness in metres. An empty wall loses nothing.
    f_ghz
        Frequency. [GHz]
    angle_deg
        Angle of incidence (n,), 0 across the wall. [deg] More than 80 counts as 80.
    spread
        Half width of the averaging over thickness, as a share of it; 0 takes the exact thickness. [1]

    Returns
    -------
    Loss (n,), powers of the two polarisations averaged, between 0 and 60. [dB]
    """
    ripple = np.linspace(1.0 - spread, 1.0 + spread, RIPPLE_SAMPLES) if spread else np.ones(1)
    return _mean_loss(layers, f_ghz, np.asarray(angle_deg, float), np.ones(()), ripple)


def fill_table_db(material: str, f_ghz: float, thickest_cm: int) -> FloatArray:
    """Loss of a slab of one material, 0, 1, ... `thickest_cm` cm thick, at 0, 1, ... 90 degrees (thickest_cm + 1, 91). [dB]"""
    thickness = np.arange(thickest_cm + 1.0)[:, None]
    return _mean_loss((Layer(material, 0.01),), f_ghz, np.arange(91.0)[None, :], thickness, _spread())


def angle_table_db(layers: Layers, f_ghz: float) -> FloatArray:
    """Loss at 0, 1, ... 90 degrees of incidence (91,) [dB]: what `slab_loss_db` gives, to be interpolated."""
    return _angle_table(layers, round(f_ghz, 4)).copy()


# ITU-R P.833-9 table 1, measured in woodland: frequency [GHz], specific attenuation [dB/m], greatest attenuation [dB]
WOODLAND = ((0.1059, 0.04, 9.4), (0.466475, 0.12, 18.0), (0.949, 0.17, 26.5), (1.8522, 0.30, 29.0), (2.1175, 0.34, 34.1))


def vegetation_db(depth_m: ArrayLike, f_ghz: float) -> FloatArray:
    """Loss over a way (n,) [m] through vegetation in leaf: A_m (1 - exp(-d gamma / A_m)), ITU-R P.833-9 eq. (1). [dB]

    Between the measured frequencies, and beyond them up to Wi-Fi, gamma and A_m follow the straight line through the table over log f:
    gamma 0.36 dB/m at 2.45 GHz and 0.64 dB/m at 5.5 GHz.
    """
    f, gamma, most = (np.log(column) for column in np.array(WOODLAND).T)
    g, a = (float(np.exp(np.polyval(np.polyfit(f, values, 1), np.log(f_ghz)))) for values in (gamma, most))
    return a * -np.expm1(-np.maximum(np.asarray(depth_m, float), 0.0) * g / a)


def is_extrapolated(layers: Layers, f_ghz: float) -> bool:
    """Whether a layer's material is used outside the frequencies its source states."""
    return any(not MATERIALS[layer.material].f_ghz[0] <= f_ghz <= MATERIALS[layer.material].f_ghz[1] for layer in layers)


def _spread() -> FloatArray:
    return np.linspace(1.0 - THICKNESS_SPREAD, 1.0 + THICKNESS_SPREAD, RIPPLE_SAMPLES)


def _mean_loss(layers: Layers, f_ghz: float, angle_deg: FloatArray, scale: FloatArray, ripple: FloatArray) -> FloatArray:
    """Loss of a stack at angles (...,) [deg], its thickness scaled by `scale` (...), powers averaged over `ripple` and polarisations.

    `ripple` (s,) turns the phase alone: a wall a little thinner or thicker moves the ripple, and absorbs as its own thickness does.
    """
    sine = np.sin(np.radians(np.minimum(np.abs(angle_deg), STEEPEST_DEG)))
    if not layers:
        return np.zeros(sine.shape)
    power = np.zeros(np.broadcast_shapes(sine.shape, scale.shape))
    for turn in ripple.tolist():
        for magnetic in (False, True):
            power = power + np.abs(_transmission(layers, f_ghz, sine, (scale, turn), magnetic=magnetic)) ** 2
    mean = power / (2.0 * len(ripple))
    return np.clip(-10.0 * np.log10(np.maximum(mean, 1e-30)), 0.0, CAP_DB)


@lru_cache(maxsize=512)
def _angle_table(layers: Layers, f_ghz: float) -> FloatArray:
    return slab_loss_db(layers, f_ghz, np.arange(91.0))


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((key, re.compile(words)) for key, words in KEYWORDS)


def _transmission(layers: Layers, f_ghz: float, sine: FloatArray, scaled: tuple[FloatArray, float], *, magnetic: bool) -> ComplexArray:
    """Field transmission through the stack for TE or (`magnetic`) TM waves, its thickness and its phase scaled.

    Characteristic matrix method: each layer turns (E, H) by [[cos q, j sin q / y], [j y sin q, cos q]] with its admittance y.
    A lossy layer's cosine overflows long after the wave has died, so its phase is held at 300 nepers.
    """
    scale, turn = scaled
    k0 = 2.0 * np.pi * f_ghz * 1e9 / SPEED_OF_LIGHT
    outer = _admittance(1.0 + 0j, np.sqrt(1.0 - sine**2).astype(complex), magnetic=magnetic)
    a, b, c, d = 1.0 + 0j, 0j, 0j, 1.0 + 0j
    for layer in layers:
        eta = MATERIALS[layer.material].eta(f_ghz)
        root = np.sqrt(eta - sine**2)
        q = k0 * layer.thickness_m * scale * root
        q = q.real * turn + 1j * np.clip(q.imag, -300.0, 0.0)
        y = _admittance(eta, root, magnetic=magnetic)
        cos, sin = np.cos(q), 1j * np.sin(q)
        a, b, c, d = a * cos + b * y * sin, a * sin / y + b * cos, c * cos + d * y * sin, c * sin / y + d * cos
    return 2.0 * outer / (outer * (a + b * outer) + c + d * outer)


def _admittance(eta: complex, root: ComplexArray, *, magnetic: bool) -> ComplexArray:
    """Wave admittance across the layer in units of free space: sqrt(eta - sin^2) for TE, eta / sqrt(eta - sin^2) for TM."""
    return eta / root if magnetic else root
