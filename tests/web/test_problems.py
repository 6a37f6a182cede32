"""Errors over HTTP: the status table, the languages, the shape."""

from __future__ import annotations

import inspect

import httpx
import pytest

from twin import errors
from twin.errors import CRSError, NotFound, OutsideValidity, TwinError, UnknownParameter
from twin.i18n import catalogue
from web.language import accepted
from web.problems import CODES, STATUS, status_of


@pytest.mark.parametrize(("error", "status"), [(NotFound, 404), (UnknownParameter, 400), (CRSError, 422), (OutsideValidity, 422)])
def test_nearest_class_decides_the_status(error: type[TwinError], status: int) -> None:
    assert status_of(error("park_missing")) == status


def test_every_error_class_has_a_status_and_every_status_a_title() -> None:
    classes = [member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, TwinError)]
    assert len(classes) > 10
    for member in classes:
        status = status_of(member("park_missing"))
        assert {"en", "zh"} <= set(catalogue()[f"http_title_{status}"])
    for code in CODES.values():
        assert {"en", "zh"} <= set(catalogue()[code])
    assert set(STATUS.values()) <= {400, 403, 404, 409, 422, 500, 503}


@pytest.mark.parametrize(
    "path",
    [
        "/api/elements/none",
        "/api/nothing",
        "/api/devices/none",
        "/api/results/none",
        "/api/layers/none/features/1",
        "/api/buildings/none/storeys",
        "/api/scorecards/none",
    ],
)
def test_what_is_not_there_is_told_in_both_languages(client: httpx.Client, path: str) -> None:
    told = {}
    for lang in ("en", "zh-CN"):
        answer = client.get(path, headers={"accept-language": lang})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        told[lang] = answer.json()
        assert told[lang]["status"] == 404
        assert told[lang]["type"].startswith("/problems/")
        assert told[lang]["detail"]
    assert told["en"]["type"] == told["zh-CN"]["type"]
    assert told["en"]["detail"] != told["zh-CN"]["detail"]
    assert told["en"]["detail"].isascii()
    assert told["zh-CN"]["title"] == "未找到"


def test_the_type_of_a_problem_can_be_looked_up(client: httpx.Client) -> None:
    problem = client.get("/api/elements/none").json()
    said = client.get(problem["type"]).json()
    assert said["type"] == problem["type"]
    assert "构件" in said["zh"]
    assert client.get("/problems/never-heard-of").status_code == 404


def test_wrong_method_and_unreadable_query(client: httpx.Client) -> None:
    wrong = client.delete("/api/park", headers={"accept-language": "en"})
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET"
    assert wrong.json()["type"] == "/problems/http_method_not_allowed"
    bad = client.get("/api/sees?lon=abc&lat=1", headers={"accept-language": "zh"})
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["loc"] == ["query", "lon"]
    assert "lon" in bad.json()["detail"]


def test_unreadable_body(client: httpx.Client) -> None:
    answer = client.post("/api/events", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("header", "lang"), [
    ("zh", "zh"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,en;q=0.9,zh;q=0.8", "en"), ("fr, zh;q=0.3, en;q=0.2", "zh"),
    ("en;q=0, zh;q=0.1", "zh"), ("ZH-Hant", "zh"), ("en;q=x, zh;q=0.1", "zh"),
])  # fmt: skip
def test_language_by_preference(header: str, lang: str) -> None:
    assert accepted(header) == lang


@pytest.mark.parametrize(("locale", "lang"), [("zh_CN.UTF-8", "zh"), ("de_DE.UTF-8", "en")])
def test_language_without_a_wish_is_the_servers(monkeypatch: pytest.MonkeyPatch, locale: str, lang: str) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert accepted("") == lang
    assert accepted("fr, *") == lang
