"""The layout of the sample park as data: boundary, gates, roads, buildings, car parks, yards. Plan metres (see `frame`)."""

from __future__ import annotations

from dataclasses import dataclass

from shapely import LineString, Polygon

from sample_park.shapes import comb, court, disc, ell, ellipse, rect, rounded, u_shape

PARK_NAME = "Yunxi Smart Manufacturing Park"
PARK_NAME_ZH = "云溪智造园"

BOUNDARY = Polygon([(-500, -470), (-488, -480), (488, -480), (500, -470), (500, 300), (470, 480), (-488, 480), (-500, 470)])
PLAZA = rounded(rect(-72, -112, 72, 42), 12)
LAKE = ellipse(76, 194, 46, 15)
CREEK = LineString([
    (-520, 200), (-460, 196), (-400, 189), (-340, 192), (-280, 200), (-215, 198), (-150, 190), (-90, 188), (-40, 195), (0, 196),
    (40, 194), (112, 194), (160, 188), (215, 194), (280, 202), (340, 196), (400, 189), (460, 192), (520, 200),
])  # fmt: skip
CREEK_WIDTH_M = 9.0


@dataclass(frozen=True)
class Building:
    """One building of the park: its names, use, storeys, height above its base [m] and outline."""

    id: str
    name: str
    name_zh: str
    usage: str
    storeys: int
    height_m: float
    outline: Polygon


@dataclass(frozen=True)
class Road:
    """One named road: class, carriageway width [m] and centreline."""

    id: str
    name: str
    name_zh: str
    road_class: str  # main secondary access
    width_m: float
    line: LineString


@dataclass(frozen=True)
class Gate:
    """One gate: where its road meets the boundary, and whether lorries use it."""

    id: str
    name: str
    name_zh: str
    u: float
    v: float
    width_m: float
    main: bool


@dataclass(frozen=True)
class Lot:
    """One surface car park: its rectangle, the direction of its rows and how many double rows it has."""

    id: str
    name: str
    name_zh: str
    area: Polygon
    modules: int


@dataclass(frozen=True)
class Yard:
    """One fenced yard of an enterprise."""

    id: str
    name: str
    name_zh: str
    owner: str
    area: Polygon
    fence_m: float


BUILDINGS = (
    Building("B01", "Talent Apartments 1", "人才公寓1号楼", "dormitory", 11, 34.2, rect(-408, -392, -330, -376)),
    Building("B02", "Talent Apartments 2", "人才公寓2号楼", "dormitory", 11, 34.2, rect(-408, -352, -330, -336)),
    Building("B03", "Staff Residence", "员工宿舍", "dormitory", 6, 20.4, u_shape(-314, -394, -236, -338, 15, "north")),
    Building("B04", "Sports Centre", "文体中心", "sports", 2, 15.0, rounded(rect(-304, -232, -240, -188), 6)),
    Building("B05", "R&D Building A", "研发A楼", "research", 6, 26.4, ell(-196, -224, -124, -164, 18, "nw")),
    Building("B06", "R&D Building B", "研发B楼", "research", 6, 26.4, ell(-98, -224, -26, -164, 18, "ne")),
    Building("B07", "R&D Building C", "研发C楼", "research", 5, 22.5, court(-196, -340, -126, -278, 17)),
    Building("B08", "R&D Building D", "研发D楼", "research", 5, 22.5, u_shape(-98, -340, -28, -278, 17, "south")),
    Building("B09", "Yunxi Tower", "云溪大厦", "office", 12, 52.6, rect(36, -196, 84, -169)),
    Building("B10", "Innovation Tower", "创新大厦", "office", 18, 76.5, rect(138, -200, 174, -164)),
    Building("B11", "Exhibition and Conference Centre", "会展中心", "exhibition", 2, 15.6, rounded(rect(36, -262, 112, -222), 9)),
    Building("B12", "Headquarters Court", "总部大院", "office", 6, 25.8, court(32, -350, 106, -292, 16)),
    Building("B13", "Headquarters South", "总部南楼", "office", 6, 25.8, u_shape(128, -350, 198, -292, 16, "south")),
    Building("B14", "Incubator 1", "孵化器1号楼", "office", 4, 17.4, u_shape(240, -236, 312, -164, 17, "south")),
    Building("B15", "Incubator 2", "孵化器2号楼", "office", 4, 17.4, u_shape(336, -236, 408, -164, 17, "south")),
    Building("B16", "Training Hotel", "培训酒店", "hotel", 9, 32.4, ell(240, -344, 318, -284, 18, "sw")),
    Building("B17", "Accelerator", "加速器", "research", 4, 18.0, comb(336, -344, 410, -282, 15)),
    Building("B18", "Precision Works 1", "精密制造一厂", "factory", 1, 13.8, rect(-410, -100, -242, -48)),
    Building("B19", "Precision Works 2", "精密制造二厂", "factory", 1, 13.8, rect(-410, -14, -242, 38)),
    Building("B20", "Canteen", "园区食堂", "canteen", 2, 10.8, rect(-188, -104, -134, -68)),
    Building("B21", "Enterprise Service Centre", "企业服务中心", "service", 3, 13.2, ell(-190, -32, -112, 34, 18, "sw")),
    Building("B22", "Yunxi Forum", "云溪会客厅", "exhibition", 2, 12.6, disc(150, -78, 26)),
    Building("B23", "Operations Centre", "智慧运营中心", "office", 5, 22.2, u_shape(114, -30, 192, 34, 18, "south")),
    Building("B24", "Robotics Works", "机器人工厂", "factory", 1, 14.4, rect(236, -104, 332, -56)),
    Building("B25", "Component Plant", "零部件厂", "factory", 3, 17.4, rect(352, -104, 412, -56)),
    Building("B26", "Energy Equipment Works", "能源装备工厂", "factory", 1, 15.0, rect(236, -16, 412, 36)),
    Building("B27", "Biopharma Plant", "生物医药厂房", "factory", 4, 22.8, ell(-410, 84, -246, 156, 40, "nw")),
    Building("B28", "Electronics Works", "电子信息厂房", "factory", 3, 19.8, rect(-196, 84, -34, 152)),
    Building("B29", "Testing Laboratories", "检测中心", "research", 4, 18.6, u_shape(30, 84, 196, 150, 24, "south")),
    Building("B30", "Electric Drive Plant", "电驱动工厂", "factory", 2, 16.8, rect(238, 84, 410, 148)),
    Building("B31", "110 kV Substation", "110千伏变电站", "substation", 2, 12.6, rect(-406, 348, -362, 386)),
    Building("B32", "Wastewater Treatment", "污水处理站", "utility", 1, 7.2, rect(-332, 356, -292, 386)),
    Building("B33", "Data Centre", "云溪数据中心", "data_centre", 2, 13.2, rect(-190, 256, -130, 292)),
    Building("B34", "Bonded Warehouse", "保税仓库", "warehouse", 1, 12.6, rect(-196, 328, -28, 390)),
    Building("B35", "Logistics Centre", "智慧物流中心", "warehouse", 1, 13.2, rect(28, 328, 196, 390)),
    Building("B36", "Fire Station", "消防站", "fire_station", 3, 13.8, ell(246, 254, 304, 290, 16, "nw")),
    Building("B37", "South Gatehouse", "南门门卫室", "gatehouse", 1, 4.2, rect(17, -476, 25, -468)),
    Building("B38", "North Gatehouse", "北门门卫室", "gatehouse", 1, 4.2, rect(15, 462, 22, 469)),
    Building("B39", "West Gatehouse", "西门门卫室", "gatehouse", 1, 4.2, rect(-494, -148, -487, -142)),
    Building("B40", "East Gatehouse", "东门门卫室", "gatehouse", 1, 4.2, rect(487, -118, 494, -112)),
)

ROADS = (
    Road("R01", "Yunxi Avenue South", "云溪大道南段", "main", 24.0, LineString([(0, -480), (0, -130)])),
    Road("R02", "Zhizao Avenue", "智造大道", "main", 20.0, LineString([(-500, -130), (500, -130)])),
    Road("R03", "Yunxi Avenue North", "云溪大道北段", "main", 20.0, LineString([(0, 60), (0, 480)])),
    Road("R04", "Plaza West Road", "广场西路", "secondary", 10.0, LineString([(-86, -130), (-86, 60)])),
    Road("R05", "Plaza East Road", "广场东路", "secondary", 10.0, LineString([(86, -130), (86, 60)])),
    Road("R06", "Chuangxin Road", "创新路", "secondary", 14.0, LineString([(-430, 60), (430, 60)])),
    Road("R07", "Xibei Road", "溪北路", "secondary", 12.0, LineString([(-430, 230), (430, 230)])),
    Road("R08", "Qiming Road", "启明路", "secondary", 12.0, LineString([(-215, -410), (-215, 410)])),
    Road("R09", "Yuanhang Road", "远航路", "secondary", 12.0, LineString([(215, -410), (215, 410)])),
    Road("R10", "Ring Road", "环园路", "secondary", 12.0, LineString(rounded(rect(-430, -410, 430, 410), 26).exterior.coords)),
    Road("R11", "Gongyu Lane", "公寓巷", "access", 7.0, LineString([(-430, -322), (-215, -322)])),
    Road("R12", "Yanfa Lane", "研发巷", "access", 7.0, LineString([(-215, -251), (0, -251)])),
    Road("R13", "Zongbu Lane", "总部巷", "access", 7.0, LineString([(0, -277), (215, -277)])),
    Road("R14", "Fuhua Lane", "孵化巷", "access", 7.0, LineString([(215, -260), (430, -260)])),
    Road("R15", "Jingmi Lane", "精密巷", "access", 8.0, LineString([(-430, -31), (-215, -31)])),
    Road("R16", "Nengyuan Lane", "能源巷", "access", 8.0, LineString([(215, -36), (430, -36)])),
    Road("R17", "Xinan Lane", "溪南巷", "access", 7.0, LineString([(-430, 168), (430, 168)])),
    Road("R18", "Gongyong Lane", "公用巷", "access", 7.0, LineString([(-430, 322), (-215, 322)])),
    Road("R19", "Cangchu Lane", "仓储巷", "access", 8.0, LineString([(-215, 310), (215, 310)])),
    Road("R20", "Wuliu Lane", "物流巷", "access", 8.0, LineString([(215, 310), (430, 310)])),
)

GATES = (
    Gate("G-S", "South Gate", "南门（主入口）", 0.0, -480.0, 26.0, main=True),
    Gate("G-N", "North Gate", "北门（物流入口）", 0.0, 480.0, 22.0, main=False),
    Gate("G-W", "West Gate", "西门", -500.0, -130.0, 22.0, main=False),
    Gate("G-E", "East Gate", "东门", 500.0, -130.0, 22.0, main=False),
)

LOTS = (
    Lot("P1", "Residence Car Park", "公寓停车场", rect(-314, -312, -236, -290), 1),
    Lot("P2", "R&D Car Park", "研发停车场", rect(-200, -398, -24, -356), 2),
    Lot("P3", "Headquarters Car Park", "总部停车场", rect(24, -398, 200, -376), 1),
    Lot("P4", "Incubator Car Park", "孵化器停车场", rect(238, -398, 410, -376), 1),
    Lot("P5", "Works Car Park", "工厂停车场", rect(-412, 240, -318, 262), 1),
    Lot("P6", "Logistics Car Park", "物流停车场", rect(28, 240, 106, 262), 1),
    Lot("P7", "Works East Car Park", "东区停车场", rect(320, 240, 412, 262), 1),
)

YARDS = (
    Yard("Y1", "Substation Yard", "变电站院区", "Yunxi Power", rect(-414, 340, -354, 396), 2.4),
    Yard("Y2", "Bonded Yard", "保税监管院区", "Yunlian Logistics", rect(-204, 320, -20, 396), 2.4),
    Yard("Y3", "Energy Storage Yard", "储能院区", "Hengliu Energy", rect(320, 326, 412, 392), 2.0),
    Yard("Y4", "Wastewater Yard", "污水处理院区", "Yunxi Water", rect(-340, 334, -236, 396), 1.8),
)

BASINS = (disc(-270, 348, 9.0, 24), disc(-250, 370, 9.0, 24), disc(-272, 382, 8.0, 24))
SPORTS_FIELD = rounded(rect(-412, -290, -326, -176), 30)
