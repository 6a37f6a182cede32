"""A rule of who may see what, and every way around it."""

from __future__ import annotations

import gzip
import json
import struct
from urllib.parse import quote

import numpy as np
import pytest

from tests.asking import TILE, ask, contents_of, put_points
from tiles.build import build, tiles_folder
from tiles.files import folder_name
from tiles.http.permission import everything, outer_without, rule_named
from tiles.http.router import TileApp
from twin.errors import UsageError

GREY = (130, 130, 130, 255)
HIDDEN = {"layer/secret", "model/楼 2"}
PLAIN = {"layer/roads", "model/楼 1", "buildings"}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def app(store, square, put_buildings, put_model, box_mesh, model_of, asked):
    """A park with a hidden layer and a hidden building; a guard sees both."""
    put_points(store, "roads", ["甲"])
    put_points(store, "secret", [f"secret {k}" for k in range(50)])
    put_buildings({"楼 1": square(0, 0), "楼 2": square(300, 300), "block": square(80, 0)}, height_m=[9.0, 60.0, 6.0])
    put_model(model_of("m1", box_mesh([("w1", (0, 0, 2), (15, 15, 4), GREY)]), building_id="楼 1"))
    put_model(model_of("m2", box_mesh([("w2", (300, 300, 30), (15, 15, 60), GREY)]), building_id="楼 2"))
    build(store)

    def rule(scope, subject):
        asked.append(subject)
        return subject not in HIDDEN or dict(scope["headers"]).get(b"authorization") == b"guard"

    return TileApp(store, rule, keep_current=False)


def tiles_of(app, building):
    """The addresses of a building's tileset and its first tile, as a guard finds them."""
    address = f"/3dtiles/{folder_name(building)}"
    tileset = ask(app, f"{address}/tileset.json", authorization="guard").json()
    return [
        f"{address}/tileset.json",
        f"{address}/{next(contents_of(tileset['root']))}",
        f"/3dtiles/{quote(building)}/tileset.json",
    ]


def test_what_may_not_be_seen_is_as_what_is_not_there(app):
    hidden = ["/tiles/secret.json", f"/tiles/secret/{TILE}.mvt", "/tiles/secret/14/0/0.mvt", *tiles_of(app, "楼 2")]
    for path in hidden:
        guarded = ask(app, path, authorization="guard", accept_encoding="br")
        assert guarded.status in {200, 204}, path
        assert ask(app, path, authorization="guard", accept_encoding="br").headers == guarded.headers  # now from memory
        missing = ask(app, path.replace("secret", "nothng").replace(folder_name("楼 2"), folder_name("x")), accept_language="en")
        for method in ("GET", "HEAD"):
            for headers in ({}, {"if_none_match": "*"}, {"if_none_match": guarded.headers["etag"]}, {"accept_encoding": "br"}):
                refused = ask(app, path, method, accept_language="en", **headers)
                assert refused.status == 404
                assert "etag" not in refused.headers
                assert refused.headers["content-type"] == "application/problem+json"
                if method == "GET" and "%20" not in path:
                    said = refused.body.replace(b"secret", b"nothng").replace(folder_name("楼 2").encode(), folder_name("x").encode())
                    assert said == missing.body


def test_the_rest_stays_open_and_private(app, asked):
    for path in ("/tiles/roads.json", f"/tiles/roads/{TILE}.mvt", *tiles_of(app, "楼 1"), "/3dtiles/buildings/tileset.json"):
        for _ in range(2):
            asked.clear()
            reply = ask(app, path)
            assert reply.status == 200
            assert reply.headers["cache-control"] == "private, no-cache"
            assert reply.headers["vary"] == "accept-encoding, authorization, cookie"
            assert len(asked) >= 1  # asked each time, from memory too
            assert set(asked) <= PLAIN
        again = ask(app, path, if_none_match=reply.headers["etag"])
        assert (again.status, again.headers["cache-control"]) == (304, "private, no-cache")


def test_the_tileset_of_the_park_leaves_out_what_may_not_be_seen(app):
    all_of_it, some = ask(app, "/3dtiles/tileset.json", authorization="guard"), ask(app, "/3dtiles/tileset.json")
    named = {child["content"]["uri"] for child in all_of_it.json()["root"]["children"]}
    seen = {child["content"]["uri"] for child in some.json()["root"]["children"]}
    assert named - seen == {f"{folder_name('楼 2')}/tileset.json"}
    assert some.headers["etag"] != all_of_it.headers["etag"]
    assert ask(app, "/3dtiles/tileset.json", if_none_match=all_of_it.headers["etag"]).status == 200
    assert corners(some.json()["root"])[1][2] < corners(all_of_it.json()["root"])[1][2]  # the hidden tower does not show in the box
    for child in some.json()["root"]["children"]:
        low, high = corners(child)
        whole_low, whole_high = corners(some.json()["root"])
        assert (whole_low <= low + 1e-6).all()
        assert (whole_high >= high - 1e-6).all()


def corners(tile):
    """The box's reach along the axes."""
    box = np.array(tile["boundingVolume"]["box"])
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    points = box[:3] + signs @ box[3:].reshape(3, 3)
    return points.min(0), points.max(0)


def test_a_park_of_which_nothing_may_be_seen():
    child = {"content": {"uri": "x/tileset.json"}, "boundingVolume": {"box": [1.0] * 12}, "geometricError": 3.0}
    document = {"asset": {"version": "1.1"}, "geometricError": 3.0, "root": {"boundingVolume": {"box": [9.0] * 12}, "children": [child]}}
    shown = outer_without(document, lambda _: False)
    assert shown["root"]["children"] == []
    assert shown["root"]["boundingVolume"]["box"] == [0.0] * 12
    assert outer_without(document, lambda folder: folder == "x")["root"]["children"] == [child]


def test_an_archive_is_seen_by_who_may_see_all_its_layers(app, store):
    for name, layers in (("open", ["roads"]), ("both", ["roads", "secret"])):
        archive_of(tiles_folder(store.path).parent / f"{name}.pmtiles", layers)
    (tiles_folder(store.path).parent / "unknown.pmtiles").write_bytes(b"PMTiles\x03" + bytes(200))
    assert ask(app, "/tiles/open.pmtiles", range="bytes=0-6").body == b"PMTiles"
    assert ask(app, "/tiles/both.pmtiles", range="bytes=0-6").status == 404
    assert ask(app, "/tiles/both.pmtiles", authorization="guard").headers["cache-control"] == "private, no-cache"
    assert ask(app, "/tiles/unknown.pmtiles", authorization="guard").status == 404  # it does not say what is in it


def archive_of(path, layers):
    metadata = gzip.compress(json.dumps({"vector_layers": [{"id": name, "fields": {}} for name in layers]}).encode())
    head = b"PMTiles\x03" + struct.pack("<QQQQ", 127, 0, 127, len(metadata))
    path.write_bytes(head.ljust(97, b"\0") + b"\x02" + bytes(29) + metadata)


def test_without_a_rule_everything_is_public(store):
    put_points(store, "secret", [f"secret {k}" for k in range(50)])
    app = TileApp(store, keep_current=False)
    assert ask(app, f"/tiles/secret/{TILE}.mvt").headers["cache-control"] == "no-cache"


def test_rules_by_name(tmp_path, monkeypatch):
    (tmp_path / "park_rules_of_a_test.py").write_text("def nobody(scope, subject):\n    return False\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert rule_named("") is everything
    assert rule_named("park_rules_of_a_test:nobody")({}, "layer/x") is False
    for name in ("park_rules_of_a_test:somebody", "no.such:thing", "::"):
        with pytest.raises(UsageError, match="no rule at"):
            rule_named(name)


def test_a_hidden_layer_whose_tile_would_be_empty_says_no_more(app):
    assert ask(app, "/tiles/secret/99/99/99.mvt").status == ask(app, "/tiles/secret/14/0/0.mvt").status == 404
