"""A cached tile of 37 KB from the server, beside the same bytes from nginx: one worker each, in turn, in one run.

    python bench/serving.py [--seconds 3] [--rounds 5] [--connections 32] [--workers 1 2]

Both listen on 127.0.0.1 and are asked by wrk. Rates are requests per second of the *server's* processor time (user and system, from
/proc), so what else the machine does is left out; the rate by the clock stands beside it. Medians over the rounds, which take turns.
Needs wrk; without nginx its row is left out (Debian: wrk, nginx-light).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import shapely

from tiles.mvt import VectorTiles
from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park
from twin.store import create_store

TILE_BYTES = 37_000
LON, LAT = 121.4, 31.2
TICKS = os.sysconf("SC_CLK_TCK")
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=100;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; default_type application/vnd.mapbox-vector-tile;
    server {{ listen 127.0.0.1:{port}; root {folder}/www; add_header Cache-Control "no-cache"; }}
}}
"""
BROWSER = (
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept: */*",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Referer: http://127.0.0.1/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8",
)
SERVE = """
import sys
from web.server import free_socket, run
from web.settings import Settings
with free_socket("127.0.0.1", int(sys.argv[2])) as bound:
    run(sys.argv[1], Settings(), bound, workers=int(sys.argv[3]))
"""


@dataclass(frozen=True)
class Server:
    """A server that is running, and the processes it runs in."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def seconds(self) -> float:
        """Processor time it has used so far, its children's too. [s]"""
        return sum(_spent(pid) for pid in _family(self.process.pid))


@dataclass(frozen=True)
class Case:
    """One request, asked over and over."""

    name: str
    server: Server
    path: str
    headers: tuple[str, ...] = ()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    given = options.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; without it nothing is measured")
    print("protocol:", ", ".join(name for name in ("httptools", "uvloop") if find_spec(name)) or "h11, asyncio")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tile = make_park(place / "park")
        servers = [start_ours(place / "park", workers) for workers in given.workers]
        nginx = start_nginx(place, tile) if shutil.which("nginx") else None
        try:
            compare(cases(servers, nginx, tile), given)
        finally:
            for server in (*servers, *([nginx] if nginx else [])):
                server.process.terminate()
                server.process.wait(10)


def make_park(folder: Path) -> str:
    """A park with one layer that has a tile of about 37 KB; which tile that is."""
    store = create_store(folder, Park("Bench", Frame(LON, LAT, 0.0)))
    random = np.random.default_rng(0)
    x, y = (int(v) for v in ((LON + 180) / 360 * 2**14, (1 - np.arcsinh(np.tan(np.radians(LAT))) / np.pi) / 2 * 2**14))
    n = 600
    while True:
        points = np.asarray(shapely.points(LON + random.uniform(0, 0.005, n), LAT + random.uniform(0, 0.005, n)), object)
        table = FeatureTable([f"f{k}" for k in range(n)], points, {"name": [f"{random.integers(1 << 40):x}" for _ in range(n)]})
        size = len(VectorTiles("layer", table).encode(14, x, y) or b"")
        if abs(size - TILE_BYTES) < 500:
            break
        n = round(n * TILE_BYTES / max(size, 1))
    with store.transaction() as writer:
        writer.put_layer(Layer("layer", "other", "Layer"))
        writer.put_features("layer", table, source="bench")
    store.close()
    return f"/tiles/layer/14/{x}/{y}.mvt"


def start_ours(park: Path, workers: int) -> Server:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(park), str(port), str(workers)])
    return ready(Server(f"parktwin, {workers} worker{'s' * (workers > 1)}", port, process))


def start_nginx(place: Path, tile: str) -> Server:
    port = free_port()
    (place / "nginx.conf").write_text(NGINX.format(folder=place, port=port))
    (place / "www" / tile[1:]).parent.mkdir(parents=True)
    process = subprocess.Popen(["nginx", "-c", str(place / "nginx.conf"), "-p", str(place)], stderr=subprocess.DEVNULL)
    place.chmod(0o755)
    return ready(Server("nginx, 1 worker", port, process))


def cases(servers: Sequence[Server], nginx: Server | None, tile: str) -> list[Case]:
    """What is asked: the plain tile of each, and of ours also packed and unchanged."""
    ours = servers[0]
    plain, _ = fetch(ours, tile, {})
    _, tag = fetch(ours, tile, {})
    found = []
    if nginx is not None:
        file = Path(str(nginx.process.args[-1])) / "www" / tile[1:]  # type: ignore[index]
        file.write_bytes(plain)
        found.append(Case("nginx, 200", nginx, tile))
    found += [Case(f"{server.name}, 200", server, tile) for server in servers]
    found.append(Case(f"{ours.name}, 200 br, as Chromium asks", ours, tile, BROWSER))
    found.append(Case(f"{ours.name}, 304", ours, tile, (f"If-None-Match: {tag}",)))
    if nginx is not None:
        _, other = fetch(nginx, tile, {})
        found.append(Case("nginx, 304", nginx, tile, (f"If-None-Match: {other}",)))
    return found


def compare(asked: Sequence[Case], given: argparse.Namespace) -> None:
    rates: dict[str, list[tuple[float, float]]] = {case.name: [] for case in asked}
    for case in asked:
        load(case, 0.5, given.connections)
    for _ in range(given.rounds):
        for case in asked:
            rates[case.name].append(load(case, given.seconds, given.connections))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in rates.items()}
    peer = {"200": medians.get("nginx, 200"), "304": medians.get("nginx, 304")}
    print(f"{'':<48}{'requests / processor-s':>24}{'ratio':>8}{'requests / s':>16}{'ratio':>8}")
    for name, (by_processor, by_clock) in medians.items():
        beside = peer["304" if name.endswith("304") else "200"]
        first, second = (f"{a / b:8.2f}" for a, b in zip((by_processor, by_clock), beside, strict=True)) if beside else ("", "")
        print(f"{name:<48}{by_processor:>24,.0f}{first:>8}{by_clock:>16,.0f}{second:>8}")


def load(case: Case, seconds: float, connections: int) -> tuple[float, float]:
    """Requests a second of the server's processor time, and of the clock."""
    headers = [part for header in case.headers for part in ("-H", header)]
    before, began = case.server.seconds(), time.perf_counter()
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        *headers,
        f"http://127.0.0.1:{case.server.port}{case.path}",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wall, spent = time.perf_counter() - began, case.server.seconds() - before
    if "Socket errors" in told or "Non-2xx" in told:
        sys.exit(f"{case.name}: {told}")
    done = int(re.search(r"(\d+) requests in", told)[1])  # type: ignore[index]
    return done / spent, done / wall


def fetch(server: Server, path: str, headers: dict[str, str]) -> tuple[bytes, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.read(), reply.headers.get("etag", "")
    except urllib.error.HTTPError as error:
        return b"", error.headers.get("etag", "")


def ready(server: Server) -> Server:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                return server
        time.sleep(0.1)
    sys.exit(f"{server.name} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(other for child in children for other in _family(int(child)))]


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
