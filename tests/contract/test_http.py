"""The paths that people and scripts hold on to are served and described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twin.crs import Frame
from twin.model import Park
from twin.store import create_store
from web.app import TILE_TREES, create_app

PATHS = (
    ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"), ("get", "/problems/{code}"),
    ("get", "/api/park"), ("get", "/api/scene"), ("get", "/api/terrain"),
    ("get", "/api/layers"), ("get", "/api/layers/{layer_id}/features/{feature_id}"),
    ("get", "/api/elements"), ("get", "/api/elements/{element_id}"),
    ("get", "/api/buildings"), ("get", "/api/buildings/{building_id}/storeys"),
    ("get", "/api/search"), ("get", "/api/sees"),
    ("get", "/api/measures"), ("post", "/api/measures/{measure_id}"),
    ("get", "/api/results/{run}"), ("get", "/api/results/{run}/gaps"), ("get", "/api/results/{run}/samples"),
    ("get", "/api/packs"), ("get", "/api/scorecards/{pack_id}"),
    ("get", "/api/devices"), ("get", "/api/devices/{device_id}"),
    ("get", "/api/events"), ("post", "/api/events"),
    ("get", "/api/sources"), ("get", "/api/sources/{source}/versions"), ("get", "/api/sources/{source}/versions/{number}"),
    ("get", "/api/sources/{source}/versions/{number}/file"),
    ("get", "/api/sources/{source}/versions/{number}/layers/{layer_id}"),
    ("get", "/api/sources/{source}/versions/{number}/models/{model_id}"),
    ("get", "/api/sources/{source}/versions/{number}/models/{model_id}/tileset.json"),
    ("get", "/api/sources/{source}/versions/{number}/models/{model_id}/model.glb"),
    ("get", "/api/sources/{source}/versions/{number}/until/{later}/tileset.json"),
    ("get", "/api/sources/{source}/versions/{number}/until/{later}/model.glb"),
    ("get", "/api/diff"), ("get", "/api/quality"), ("get", "/quality"),
    ("get", "/api/surfaces"), ("get", "/api/evidence/{run}"),
    ("get", "/api/scenarios"), ("post", "/api/scenarios"), ("post", "/api/scenarios/preview"),
    ("get", "/api/scenarios/{name}"), ("put", "/api/scenarios/{name}"), ("delete", "/api/scenarios/{name}"),
    ("post", "/api/scenarios/{name}/changes"), ("post", "/api/scenarios/{name}/apply"), ("post", "/api/scenarios/{name}/preview"),
    ("get", "/files/{key}/{name}"), ("get", "/registered/{key}/tileset.json"),
)  # fmt: skip


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("http") / "park"
    return create_app(create_store(folder, Park("empty", Frame(104.06, 30.54)))).openapi()


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_path_is_described(description: dict[str, Any], method: str, path: str) -> None:
    operation = description["paths"][path][method]
    assert operation["description"].strip().endswith(".")
    assert any(status.startswith("2") for status in operation["responses"])


def test_nothing_is_served_that_is_not_promised(description: dict[str, Any]) -> None:
    served = {(method, path) for path, operations in description["paths"].items() for method in operations}
    assert served == set(PATHS)


def test_description_is_openapi_3_1_and_its_references_hold(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert description["info"]["title"]

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [value for key, value in node.items() if key == "$ref"] + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    found = references(description)
    assert found
    for reference in found:
        node: Any = description
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_operation_is_named_once(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for operations in description["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_errors_are_described_as_problems(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        if path.startswith("/api/"):
            for operation in operations.values():
                assert "422" not in operation["responses"]  # told as 4XX, like all others
                assert "application/problem+json" in operation["responses"]["4XX"]["content"]
                assert set(operation["responses"]["4XX"]["content"]) == {"application/problem+json"}


def test_path_parameters_are_declared(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for operation in operations.values():
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert declared == wanted


def test_tiles_have_trees_of_their_own() -> None:
    assert set(TILE_TREES) >= {"/tiles/", "/3dtiles/"}
