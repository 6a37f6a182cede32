"""Every code the package raises or reports has its sentences, and every sentence is used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import importers.ifc

FOLDER = Path(importers.ifc.__file__).parent
CODES = tomllib.loads((FOLDER / "messages.toml").read_text("utf-8"))
BUILT = {
    "ifc_element_failed",
    "ifc_element_degraded",
    "ifc_kernel_crashed",
    "ifc_no_sign_of_life",
    "ifc_time_limit",
}  # put together in code


def test_codes_and_sentences_match():
    text = "\n".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    used = set(re.findall(r'"(ifc_[a-z_]+)"', text)) | BUILT
    assert used == set(CODES)


def test_both_languages_say_the_same_things():
    for code, table in CODES.items():
        assert {"en", "zh"} <= set(table), code
        assert ("hint_en" in table) == ("hint_zh" in table), code
        for pair in (("en", "zh"), ("hint_en", "hint_zh")):
            braces = [set(re.findall(r"\{(\w+)\}", table.get(key, ""))) for key in pair]
            assert braces[0] == braces[1], code
        assert table["en"].endswith("."), code
        assert table["zh"].endswith("。"), code
        assert re.search(r"[一-鿿]", table["zh"]), code
