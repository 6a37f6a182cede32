"""Whether the parts of a park fit together: what each says of another is there, and what is kept is what it was."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from twin.buildings import buildings
from twin.errors import NotFound
from twin.model import Issue
from twin.store import Store

Progress = Callable[[str, int, int], None]


def broken_references(store: Store, progress: Progress | None = None) -> list[Issue]:
    """An issue for every kind of reference that leads nowhere, and for every kept file that is not what it was.

    Parameters
    ----------
    store
        The park.
    progress
        Told of each part looked at.
    """
    parts = (_devices, _models, _assets, _lamps)
    issues: list[Issue] = []
    for k, part in enumerate(parts):
        if progress:
            progress("references", k, len(parts))
        issues += part(store)
    return issues


def _devices(store: Store) -> Iterator[Issue]:
    devices = store.devices()
    known = {
        "building": {name for each in buildings(store) for name in (each.id, each.name, *each.model_ids)}
        | {model.name for model in store.models()},
        "storey": {storey.id for storey in store.storeys()},
        "space": {name for space in store.spaces() for name in (space.id, space.name)},
    }
    for what, names in known.items():
        lost = [device for device in devices if (value := getattr(device, f"{what}_id")) and value not in names]
        for device in lost[:20]:
            yield Issue(f"check_device_{what}", "warning", device.id, {"missing": getattr(device, f"{what}_id")})
        if len(lost) > 20:
            yield Issue("check_more", "warning", "devices", {"count": len(lost) - 20})


def _models(store: Store) -> Iterator[Issue]:
    for model in store.models():
        elements = {element.id for element in store.elements(model.id)}
        storeys = {storey.id for storey in store.storeys(model.id)}
        spaces = {space.id for space in store.spaces(model.id)}
        mesh = store.mesh(model.id)
        ends = {end for joint in store.connections(model.id) for end in (joint.from_id, joint.to_id)}
        members = {member for group in store.groups(model.id) for member in group.members}
        lost = {
            "storeys": _missing((element.storey_id for element in store.elements(model.id)), storeys),
            "rooms": _missing((element.space_id for element in store.elements(model.id)), spaces),
            "bodies": _missing(mesh.element_ids, elements),
            "connections": _missing(ends, elements),
            "groups": _missing(members, elements | spaces | {group.id for group in store.groups(model.id)}),
        }
        for what, count in lost.items():
            if count:
                yield Issue(f"check_model_{what}", "error" if what == "bodies" else "warning", model.name, {"count": count})
        if len(mesh.faces) and int(mesh.faces.max()) >= len(mesh.vertices):
            yield Issue("check_model_mesh", "error", model.name)


def _missing(named: Iterable[str | None], known: set[str]) -> int:
    return sum(name is not None and name not in known for name in named)


def _assets(store: Store) -> Iterator[Issue]:
    for asset in store.assets():
        try:
            path = store.asset_path(asset.sha256)
        except NotFound:
            yield Issue("check_asset_missing", "error", asset.name, {"source": asset.source})
            continue
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != asset.sha256:
            yield Issue("check_asset_changed", "error", asset.name, {"source": asset.source})


def _lamps(store: Store) -> Iterator[Issue]:
    known = {photometry.id.casefold() for photometry in store.photometries()}
    asked = Counter(str(name) for device in store.devices("lamp") if (name := device.attributes.get("photometry")))
    for name, count in asked.items():
        if Path(name.replace("\\", "/")).name.casefold() not in known:
            yield Issue("check_photometry", "info", name, {"count": count})
