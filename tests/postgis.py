"""A PostgreSQL server with PostGIS of one's own, for the tests and for `bench/store.py`: on this machine alone, gone when we are."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

WAIT_S = 30.0
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # what is lost with the machine is lost with the tests
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=128MB", "max_connections=60", "timezone=UTC")


def binaries() -> Path | None:
    """The folder of the newest server's programs that has PostGIS beside it; None where there is none."""
    listed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    found = shutil.which("initdb")
    folders = [*listed, *([Path(found).resolve().parent] if found else [])]
    return next((folder for folder in folders if _has_postgis(folder)), None)


@contextmanager
def server(settings: Sequence[str] = QUICK) -> Generator[str]:
    """The address of a running server, without a database: postgresql://postgres@127.0.0.1:port. Databases `park` and `bare` are there.

    `park` has PostGIS, `bare` has not; user `guest` must give the password `p@ss/word` and may look at `park` only.
    """
    programs = binaries()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="parktwin-postgis-"))
    try:
        user = _other_user(folder)
        _run([programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], user)
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text("host all guest 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        with _running(programs, folder, user, settings) as port:
            address = f"postgresql://postgres@127.0.0.1:{port}"
            _fill(address)
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(programs: Path, folder: Path, user: str | None, settings: Sequence[str]) -> Generator[int]:
    port = _free_port()
    options = [part for setting in (*SETTINGS, *settings, f"port={port}") for part in ("-c", setting)]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), *options]
    tied = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []  # it ends even when we are killed
    if tied and user:
        tied += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*tied, *command], stdout=log, stderr=log, user=None if tied else user, cwd="/")
    try:
        _wait(process, port, folder / "log")
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: what is lost is thrown away in a moment anyway
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _fill(address: str) -> None:
    with psycopg.connect(f"{address}/postgres", autocommit=True) as db:
        db.execute("CREATE DATABASE park")
        db.execute("CREATE DATABASE bare")
        db.execute("CREATE ROLE guest LOGIN PASSWORD 'p@ss/word'")
    with psycopg.connect(f"{address}/park", autocommit=True) as db:
        db.execute("CREATE EXTENSION postgis")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(log.read_text(errors="replace"))


def _other_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: who runs it then, given the folder."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, user)
    return user


def _run(command: Sequence[object], user: str | None) -> None:
    done = subprocess.run([str(part) for part in command], user=user, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


def _has_postgis(folder: Path) -> bool:
    if not (folder / "initdb").exists() or not (folder / "pg_config").exists():
        return False
    shared = subprocess.run([str(folder / "pg_config"), "--sharedir"], capture_output=True, text=True, check=True).stdout.strip()
    return (Path(shared) / "extension" / "postgis.control").is_file()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
