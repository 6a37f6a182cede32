"""Uses, disciplines and default colours."""

from __future__ import annotations

import pytest

from importers.ifc.words import default_color, discipline, usage

USES = {
    "office": ["OPEN OFFICE", "Büro 2", "经理办公室"],
    "meeting": ["多功能会议室", "Besprechungsraum 2"],
    "canteen": ["员工食堂"],
    "kitchen": ["Teeküche"],
    "corridor": ["走廊", "Flur EG"],
    "lobby": ["Entrance hall"],
    "stair": ["Treppenhaus", "2#楼梯间"],
    "lift": ["电梯厅"],
    "parking": ["地下车库"],
    "workshop": ["Workshop", "生产车间"],
    "machine_room": ["空调机房"],
    "toilet": ["男卫生间", "WC Herren", "Bad"],
    "storage": ["Lagerraum"],
    "data_hall": ["Server Room", "数据中心机房"],
    "technical": ["弱电间"],
    "roof": ["Dachboden"],
    "shop": ["便利店"],
    "exhibition": ["展厅"],
    "training": ["培训教室"],
    "sports": ["健身房"],
    "residential": ["Schlafzimmer"],
    None: ["房间", "A101", ""],
}


@pytest.mark.parametrize(("text", "use"), [(text, use) for use, texts in USES.items() for text in texts])
def test_uses_in_three_languages(text, use):
    assert usage([text]) == use


def test_the_first_text_that_says_something_decides():
    assert usage(["A101", "Living Room", "Office"]) == "residential"
    assert usage([]) is None


@pytest.mark.parametrize(
    ("classes", "systems", "texts", "kind"),
    [
        (["IfcWall"], [], [], "architecture"),
        (["IfcStairFlight"], [], [], "architecture"),
        (["IfcRailing"], [], [], "architecture"),
        (["IfcBeam"], [], [], "structure"),
        (["IfcDuctSegment"], [], [], "hvac"),
        (["IfcFlowSegment", "IfcDuctSegmentType"], [], [], "hvac"),
        (["IfcPipeSegment"], [], [], "plumbing"),
        (["IfcPipeSegment"], ["HEATING"], [], "hvac"),
        (["IfcPipeSegment"], ["喷淋系统"], [], "fire"),
        (["IfcFlowTerminal"], [], ["M_Toilet-Domestic"], "plumbing"),
        (["IfcFlowSegment"], [], ["矩形风管"], "hvac"),
        (["IfcLightFixture"], [], [], "electrical"),
        (["IfcBuildingElementProxy"], [], ["Model Text"], "other"),
        (["IfcGeographicElement"], [], [], "site"),
        (["IfcWall"], ["消防"], [], "architecture"),
    ],
)
def test_disciplines(classes, systems, texts, kind):
    assert discipline(classes, systems, texts) == kind


def test_hot_and_cold_water_differ_and_glass_is_clear():
    hot, cold = (default_color("IfcPipeSegment", "plumbing", [system]) for system in ("DOMESTICHOTWATER", "给水系统"))
    assert hot[0] > hot[2]
    assert cold[2] > cold[0]
    assert default_color("IfcWindow", "architecture", [])[3] < 128
    assert default_color("IfcWallStandardCase", "architecture", []) == default_color("IfcWall", "architecture", [])
    assert min(default_color("IfcWall", "architecture", [])[:3]) > 200
