"""Required properties: the models' own files against delivery sets (IDS), those given and the examples that come along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from importers.contract import Progress, silent
from importers.ifc.delivery import Specification, check_delivery
from importers.quality.finding import Check, Finding, Subject, Target
from twin.errors import NotFound
from twin.model import Asset

EXAMPLES = ("handover-architecture", "handover-services")


def examples() -> Mapping[str, Path]:
    """The delivery sets that come along, by name."""
    folder = files("importers.quality").joinpath("delivery")
    return {name: Path(str(folder.joinpath(f"{name}.ids"))) for name in EXAMPLES}


def delivery_set(name: str, *, only_own: bool = False) -> Path:
    """A delivery set by its file, or one of those that come along by its name; the latter alone where `only_own`.

    Raises
    ------
    NotFound
        If there is none.
    """
    known = examples()
    path = known.get(name, Path(name))
    if (only_own and name not in known) or not path.is_file():
        raise NotFound("ids_missing", subject=name, known=", ".join(known))
    return path


def deliveries(subject: Subject, sets: Sequence[Path], progress: Progress = silent) -> Sequence[Check]:
    """One check for each delivery set and model whose file the park keeps.

    Raises
    ------
    UnreadableSource
        If a set or a model's file cannot be read.
    """
    kept = kept_files(subject)
    found: list[Check] = []
    for k, (model, asset) in enumerate(kept.items()):
        progress("delivery", k, len(kept))
        file = subject.store.asset_path(asset.sha256)
        found += [_check(subject, model, ids.stem, check_delivery(file, ids)) for ids in sets]
    return found


def kept_files(subject: Subject) -> Mapping[str, Asset]:
    """The file that each model was read from, by the model's id, where the park keeps one."""
    by_sha = {asset.sha256: asset for asset in subject.store.assets() if asset.name.lower().endswith(".ifc")}
    by_source = {asset.source: asset for asset in by_sha.values()}
    kept = {model.id: by_sha.get(model.sha256) or by_source.get(model.source) for model in subject.models}
    return {model: asset for model, asset in kept.items() if asset is not None}


def _check(subject: Subject, model: str, ids: str, specifications: Sequence[Specification]) -> Check:
    """The answers of one set for one model: each failing element is a finding, each requirement a figure."""
    findings: list[Finding] = []
    examined = 0
    known = {element.id for element in subject.elements[model]}
    rooms = {space.id for space in subject.spaces[model]}
    for specification in specifications:
        for requirement in specification.requirements if specification.is_met is not None else ():
            examined += requirement.applicable
            for identity, label, reason in requirement.elements:
                kind = "element" if identity in known else "space" if identity in rooms else ""
                details = {"asked": requirement.text or specification.name, "specification": specification.name, "reason": reason}
                findings.append(Finding(label, Target(kind, identity), "warning", details))
            if requirement.failed and not requirement.elements:
                findings.append(
                    Finding(
                        specification.name,
                        Target("model", model),
                        "error",
                        {"asked": specification.name, "reason": "", "specification": ""},
                    )
                )
    name = next(each.name for each in subject.models if each.id == model)
    met = [specification for specification in specifications if specification.is_met is not None]
    figures = {"set": ids, "model": name, "specifications": len(met), "met": sum(bool(each.is_met) for each in met)}
    return Check("delivery", "attributes", examined, findings, figures)
