"""GeoJSON (RFC 7946): one FeatureCollection, each feature saying which layer it is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twin.files import write_atomically
from twin.store import Store
from web.answers.layers import feature
from web.export.tables import Sheet, sheets


def write(store: Store, layer: str | None, out: Path) -> None:
    """The layer, or all of them, as one file."""
    features = [told for sheet in sheets(store, layer) for told in _features(sheet)]
    document = {"type": "FeatureCollection", "name": layer or store.park().name, "features": features}
    write_atomically(out, json.dumps(document, ensure_ascii=False, default=str))


def collection(sheet: Sheet) -> dict[str, Any]:
    """One table as a FeatureCollection."""
    return {"type": "FeatureCollection", "features": [feature(sheet.table, i) for i in range(len(sheet.table))]}


def _features(sheet: Sheet) -> list[dict[str, Any]]:
    features = collection(sheet)["features"]
    for told in features:
        told["properties"] |= {"layer": sheet.name, "layer_kind": sheet.kind}
    return features
