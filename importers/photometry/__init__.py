"""Photometry of luminaires: IES LM-63 and EULUMDAT, as absolute intensities over the whole sphere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from importers.contract import Context, Imported
from importers.encodings import SURE, Encoding, codec_of, detected, issues_of
from importers.photometry.eulumdat import looks_like_eulumdat, read_eulumdat
from importers.photometry.ies import read_ies
from importers.photometry.luminaire import Luminaire, PhotometryError
from twin.errors import UnreadableSource
from twin.model import Issue, Photometry

_LARGEST_BYTES = 8 << 20  # a table of half a degree both ways is 2 MB
_DISAGREE_SHARE = 0.05


@dataclass(frozen=True)
class PhotometryImporter:
    """Luminaire files that lamps name in their `photometry` column."""

    name: str = "photometry"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file tells how a luminaire shines."""
        if path.suffix.lower() in {".csv", ".geojson", ".json"}:  # a table may speak of such files
            return 0
        text = _decoded(head)[0]
        if text.lstrip("\ufeff \r\n").upper().startswith("IESNA") or ("TILT=" in text.upper().replace(" ", "") and "\x00" not in text):
            return 95
        return 90 if looks_like_eulumdat(text) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The luminaire of a file; raises UnreadableSource."""
        context.progress("reading", 0, 0)
        if path.stat().st_size > _LARGEST_BYTES:
            raise UnreadableSource("photometry_too_large", subject=path, megabytes=_LARGEST_BYTES >> 20)
        text, encoding = _decoded(path.read_bytes())
        luminaire = _read(path, text, read_eulumdat if looks_like_eulumdat(text) else read_ies)
        flux = luminaire.intensity.lumens()
        if flux <= 0:
            raise UnreadableSource("photometry_dark", subject=path)
        issues = [*issues_of(encoding, path.name), *_issues(path, luminaire, flux)]
        intensity = luminaire.intensity
        photometry = Photometry(
            id=path.name,
            name=luminaire.name or path.stem,
            lumens=round(flux, 3),
            watts=luminaire.watts,
            c_deg=intensity.c_deg.tolist(),
            gamma_deg=intensity.gamma_deg.tolist(),
            candela=np.round(intensity.candela, 6).tolist(),
            attributes=dict(luminaire.attributes) | ({"stated_lumens": luminaire.stated_lumens} if luminaire.stated_lumens else {}),
        )
        details = {
            "luminaire": photometry.name, "format": luminaire.attributes["format"], "lumens": round(flux, 1), "watts": luminaire.watts,
            "planes": len(intensity.c_deg), "angles": len(intensity.gamma_deg), "peak_cd": round(float(intensity.candela.max()), 1),
        }  # fmt: skip
        return Imported(
            kind=self.name, photometries=[photometry], assets={path.name: path}, encoding=encoding.name, issues=issues, details=details
        )


def _read(path: Path, text: str, reader: Callable[[str], Luminaire]) -> Luminaire:
    try:
        return reader(text)
    except PhotometryError as error:
        raise UnreadableSource(error.code, subject=path, **error.details) from error
    except (ValueError, IndexError) as error:  # planes of no symmetry, or counts that fit nothing
        raise UnreadableSource("photometry_planes", subject=path, reason=str(error)) from error


def _issues(path: Path, luminaire: Luminaire, flux: float) -> list[Issue]:
    issues: list[Issue] = []
    stated = luminaire.stated_lumens
    if stated and luminaire.attributes["format"] == "EULUMDAT" and abs(flux / stated - 1) > _DISAGREE_SHARE:
        issues.append(Issue("photometry_flux_disagrees", "warning", path.name, {"stated": round(stated), "found": round(flux)}))
    if stated and luminaire.attributes["format"] != "EULUMDAT" and flux > stated * (1 + _DISAGREE_SHARE):
        issues.append(Issue("photometry_flux_disagrees", "warning", path.name, {"stated": round(stated), "found": round(flux)}))
    if "tilt_file" in luminaire.attributes:
        issues.append(Issue("photometry_tilt_left_out", "warning", path.name, {"file": luminaire.attributes["tilt_file"]}))
    if float(luminaire.intensity.gamma_deg[-1]) < 90.0 and float(luminaire.intensity.candela[:, -1].max()) > 0:
        issues.append(Issue("photometry_ends_early", "info", path.name, {"gamma": float(luminaire.intensity.gamma_deg[-1])}))
    return issues


def _decoded(data: bytes) -> tuple[str, Encoding]:
    """The text, lines ended by line feeds alone, and its encoding: UTF-16 by its mark, else UTF-8 or what the bytes are likeliest."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = Encoding("UTF-16", "stated")
    else:
        found = detected(data.splitlines())
        encoding = found if found.sure >= SURE else Encoding("ISO-8859-1", "stated")  # which the formats grew up with
    text = data.decode(codec_of(encoding.name), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


IMPORTER = PhotometryImporter()
