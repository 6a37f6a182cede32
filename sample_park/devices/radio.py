"""Access points, base stations and IoT gateways.

Bands follow the Chinese plan: Operator A 2515–2615 MHz (5G) and 1880–1900 MHz, B 3400–3500 and 1860–1875 MHz, C 3500–3600 and
1840–1860 MHz, indoor heads of B and C share 3300–3400 MHz. The operators are made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sample_park.devices.street import smart_poles
from sample_park.devices.table import Device, Indoor, Place, device, rooms
from sample_park.frame import azimuth
from sample_park.plan import BUILDINGS

ACCESS_POINTS = 200
SILENT_AP = "AP-research-F03-N1"  # nobody entered its power
CHANNELS = ((36, 5180.0), (44, 5220.0), (149, 5745.0), (157, 5785.0), (161, 5805.0), (40, 5200.0))
PLACED: Sequence[tuple[str, tuple[str, ...], int]] = (  # building, uses of rooms, access points along a room
    ("tower", ("open_office", "meeting", "lobby", "dining", "exhibition"), 1),
    ("research", ("open_office", "laboratory", "workshop", "training", "exhibition", "dining", "lobby"), 1),
    ("factory", ("workshop",), 8),
    ("factory", ("open_office", "meeting", "lobby"), 1),
    ("canteen", ("dining",), 1),
    ("canteen", ("meeting",), 1),
    ("data_centre", ("control", "meeting", "lobby"), 1),
    ("garage", ("parking",), 4),
)
UNSERVED = {("canteen", "P3"), ("canteen", "P4")}  # rooms over the Wi-Fi hole, left to the access points of the hall beside them
EXTRA_DINING = 3  # access points in each of the large dining halls
OPERATORS = {  # 5G centre and width, LTE centre and width [MHz]
    "A": (2565.0, 100.0, 1890.0, 20.0),
    "B": (3450.0, 100.0, 1867.5, 15.0),
    "C": (3550.0, 100.0, 1850.0, 20.0),
}


@dataclass(frozen=True)
class Site:
    """One base station: names, place [m], height of its antennas [m], operators on it, first azimuth; small ones have one sector."""

    id: str
    name: str
    name_zh: str
    u: float
    v: float
    height_m: float
    operators: str
    first: float
    macro: bool = True
    building_id: str | None = None


SITES = (
    Site("BS-1", "Innovation Tower roof", "创新大厦楼顶站", 156.0, -182.0, 80.0, "ABC", 0.0, building_id="B10"),
    Site("BS-2", "Apartments roof", "人才公寓楼顶站", -369.0, -384.0, 38.0, "ABC", 20.0, building_id="B01"),
    Site("BS-3", "West mast", "西侧通信塔", -456.0, 292.0, 36.0, "AB", 30.0),
    Site("BS-4", "East mast", "东侧通信塔", 458.0, 84.0, 36.0, "AC", 90.0),
    Site("BS-5", "Plaza pole", "广场微站", -62.0, -20.0, 12.0, "A", 90.0, macro=False),
    Site("BS-6", "Incubator pole", "孵化区微站", 226.0, -250.0, 12.0, "B", 90.0, macro=False),
    Site("BS-7", "Electronics pole", "电子区微站", -204.0, 160.0, 12.0, "C", 135.0, macro=False),
)


def access_points() -> list[Device]:
    """200 access points: in the models, on smart poles, and in the other buildings for the rest."""
    spots = [(spot, count) for building, uses, count in PLACED for spot in rooms(building, *uses)]
    rows = [row for spot, count in spots if (spot.plan.key, spot.room.key) not in UNSERVED for row in _in_room(spot, count)]
    rows += [_outdoor(pole.id, Place(pole.u, pole.v, 6.0, mounted_on=pole.id)) for pole in smart_poles()]
    others = [building for building in BUILDINGS if building.usage not in {"gatehouse", "substation", "utility"}]
    for number in range(ACCESS_POINTS - len(rows)):
        building = others[number % len(others)]
        point = building.outline.representative_point()
        place = Place(point.x, point.y, 3.0, building_id=building.id)
        rows.append(
            _row(f"AP-{building.id}-{number // len(others) + 1}", (f"{building.name} AP", f"{building.name_zh}无线接入点"), place, number)
        )
    return [{key: value for key, value in row.items() if key != "eirp_dbm"} if row["id"] == SILENT_AP else row for row in rows]


def cells() -> list[Device]:
    """Every sector of every operator on the seven sites, and indoor heads in the tower and the garage."""
    return [*(row for site in SITES for row in _site(site)), *_heads()]


def gateways() -> list[Device]:
    """LoRa gateways on roofs and poles."""
    spots = (
        ("GW-1", "Tower roof gateway", "云溪大厦网关", 60.0, -182.0, 54.0, "B09"),
        ("GW-2", "Works gateway", "厂区网关", -326.0, 12.0, 15.0, "B19"),
        ("GW-3", "Logistics gateway", "物流区网关", 112.0, 358.0, 14.5, "B35"),
        ("GW-4", "Energy gateway", "能源区网关", 324.0, 10.0, 16.0, "B26"),
        ("GW-5", "Residence gateway", "公寓区网关", -275.0, -386.0, 21.5, "B03"),
        ("GW-6", "Incubator gateway", "孵化区网关", 372.0, -172.0, 18.5, "B15"),
    )
    radio = {"eirp_dbm": 17.0, "freq_mhz": 486.3, "bandwidth_mhz": 0.125, "technology": "LoRa"}
    return [device("iot_gateway", i, (name, zh), Place(u, v, h, building_id=b), **radio) for i, name, zh, u, v, h, b in spots]


def _in_room(spot: Indoor, count: int) -> Iterator[Device]:
    """Access points under the ceiling, spread along the room's length; dining halls get theirs in the eastern half."""
    x0, y0, x1, y1 = spot.area.bounds
    if spot.plan.key == "canteen" and spot.room.key == "D1":
        count, x0 = EXTRA_DINING, x0 + 0.45 * (x1 - x0)
    height = min(spot.ceiling_m, 6.0)
    for number in range(count):
        across = 0.5 if count < 4 else (0.25, 0.75)[number % 2]
        share = (number + 0.5) / count
        along_x = x1 - x0 >= y1 - y0
        x, y = (x0 + share * (x1 - x0), y0 + across * (y1 - y0)) if along_x else (x0 + across * (x1 - x0), y0 + share * (y1 - y0))
        suffix = f"-{number + 1}" if count > 1 else ""
        identity = f"AP-{spot.plan.key}-{spot.level.key}-{spot.room.key}{suffix}"
        yield _row(
            identity,
            (f"{spot.title[0]} AP", f"{spot.title[1]}无线接入点"),
            spot.at(round(x, 2), round(y, 2), height),
            number + len(identity),
        )


def _row(identity: str, names: tuple[str, str], place: Place, turn: int) -> Device:
    channel, frequency = CHANNELS[turn % len(CHANNELS)]
    radio = {"eirp_dbm": 23.0, "freq_mhz": frequency, "bandwidth_mhz": 40.0, "channel": channel}
    return device("wifi_ap", identity, names, place, **radio, ssid="Yunxi-Park", technology="Wi-Fi 6", operator="Yunxi Park")


def _outdoor(pole: str, place: Place) -> Device:
    radio = {"eirp_dbm": 30.0, "freq_mhz": 5785.0, "bandwidth_mhz": 20.0, "channel": 157}
    return device(
        "wifi_ap",
        f"AP-{pole}",
        (f"{pole} AP", f"{pole}灯杆无线接入点"),
        place,
        **radio,
        ssid="Yunxi-Park",
        technology="Wi-Fi 6",
        operator="Yunxi Park",
    )


def _site(site: Site) -> Iterator[Device]:
    for operator in site.operators:
        nr, nr_width, lte, lte_width = OPERATORS[operator]
        new = {"technology": "NR", "freq_mhz": nr, "bandwidth_mhz": nr_width, "scs_khz": 30}
        old = {"technology": "LTE", "freq_mhz": lte, "bandwidth_mhz": lte_width, "scs_khz": 15}
        strong = {"power_dbm": 53.0, "gain_dbi": 24.0, "beam_h_deg": 65.0, "beam_v_deg": 12.0, "tilt_deg": 7.0}
        plain = {"power_dbm": 47.8, "gain_dbi": 17.5, "beam_h_deg": 65.0, "beam_v_deg": 8.0, "tilt_deg": 6.0}
        small = {"power_dbm": 46.0, "gain_dbi": 14.0, "beam_h_deg": 65.0, "beam_v_deg": 30.0, "tilt_deg": 8.0}
        for sector in range(3 if site.macro else 1):
            for radio in ((new | strong), (old | plain)) if site.macro else ((new | small),):
                yield _sector(site, operator, sector, radio)


def _sector(site: Site, operator: str, sector: int, radio: Mapping[str, object]) -> Device:
    identity = f"{site.id}-{operator}-{radio['technology']}-{sector + 1}"
    names = (
        f"{site.name} {operator} {radio['technology']} {sector + 1}",
        f"{site.name_zh}{operator}网{radio['technology']}{sector + 1}扇区",
    )
    place = Place(site.u, site.v, site.height_m, building_id=site.building_id)
    direction = azimuth(site.first + 120.0 * sector)
    return device("cell", identity, names, place, operator=f"Operator {operator}", **radio, azimuth_deg=direction, site_id=site.id)


def _heads() -> Iterator[Device]:
    """Indoor heads: one a storey in the tower's lift lobby for each of two networks, four a level in the garage."""
    shared = {"technology": "NR", "freq_mhz": 3350.0, "bandwidth_mhz": 100.0, "scs_khz": 30, "power_dbm": 24.0, "gain_dbi": 3.0}
    own = {"technology": "NR", "freq_mhz": 2565.0, "bandwidth_mhz": 100.0, "scs_khz": 30, "power_dbm": 24.0, "gain_dbi": 3.0}
    spots = [*rooms("tower", "lift_lobby"), *rooms("garage", "parking")]
    for spot in spots:
        for operator, radio, aside in (("A", own, -1.0), ("B", shared, 1.0)):
            x, y = spot.room.centre
            identity = f"HEAD-{spot.plan.key}-{spot.level.key}-{spot.room.key}-{operator}"
            names = (f"{spot.title[0]} head {operator}", f"{spot.title[1]}{operator}网室分")
            yield device("cell", identity, names, spot.at(x + aside, y, spot.ceiling_m), operator=f"Operator {operator}", **radio)
