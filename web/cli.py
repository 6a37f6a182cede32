"""The commands `twin serve`, `twin demo` and `twin export`."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, progress, say, warn
from twin.errors import UsageError
from twin.i18n import message
from twin.store import is_database, open_store, shown
from web.demo import sample_park_at
from web.export import MODULES, writer
from web.server import address_of, free_socket, run
from web.settings import Settings

PortOption = Annotated[int, typer.Option("--port", help="option_port", min=0, max=65535)]
OpenOption = Annotated[bool, typer.Option("--open", help="option_open")]


def serve(
    park: ParkArgument,
    host: Annotated[str, typer.Option("--host", help="option_host")] = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[int, typer.Option("--workers", help="option_workers", min=1)] = 1,
    to_all: OpenOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Serve a park until stopped."""
    spoken = language(lang)
    settings = Settings(host=host)
    if settings.is_open and not to_all:
        raise UsageError("host_not_loopback", subject=host)
    if settings.is_open:
        warn(message("serving_open", spoken, subject=host))
    store = open_store(park)
    name = store.park().name
    store.close()
    with free_socket(host, port) as socket:
        address = address_of(settings, socket)
        _tell(name, address, as_json=as_json, lang=spoken)
        run(park, settings, socket, workers)


def demo(
    port: PortOption = 8000,
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="option_demo_dir")] = Path("demo-park"),
    build_only: Annotated[bool, typer.Option("--build-only", help="option_build_only")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="option_no_browser")] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Build the sample park if it is not there, and serve it."""
    spoken = language(lang)
    with progress() as bars:
        store = sample_park_at(folder, bars, spoken)
    if build_only:
        if as_json:
            print_json({"park": str(folder)})
        else:
            say(message("demo_built", spoken, subject=folder))
        return
    settings = Settings()
    with free_socket(settings.host, port, search=True) as socket:
        address = address_of(settings, socket)
        _tell(store.park().name, address, as_json=as_json, lang=spoken)
        run(str(folder), settings, socket, started=None if no_browser or not _has_display() else lambda: webbrowser.open(address))


def export(
    park: ParkArgument,
    form: Annotated[str, typer.Option("--format", metavar="|".join(MODULES), help="option_format", show_default=False)],
    out: Annotated[str, typer.Option("--out", "-o", metavar="OUT", help="option_out", show_default=False)],
    layer: Annotated[str | None, typer.Option("--layer", help="option_export_layer", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Write the park, or a layer of it, as a file of another format."""
    spoken = language(lang)
    with progress() as bars:
        task = bars.add_task(form, total=None)
        write = writer(form, spoken, lambda done, known: bars.update(task, completed=done, total=known))
        if is_database(out) and form != "park":
            raise UsageError("export_no_database", subject=form)
        write(open_store(park), layer, out if is_database(out) else Path(out))
    size = None if is_database(out) else _size(Path(out))
    if as_json:
        print_json({"format": form, "layer": layer, "path": shown(out), "bytes": size})
    elif size is None:
        say(message("export_park_written", spoken, subject=shown(out)))
    else:
        say(message("export_written", spoken, subject=out, kilobytes=f"{size / 1000:,.0f}"))


def _size(out: Path) -> int:
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) if out.is_dir() else out.stat().st_size


def _tell(name: str, address: str, *, as_json: bool, lang: str) -> None:
    if as_json:
        print_json({"park": name, "address": address})
    else:
        say(message("serving", lang, subject=name, address=address))


def _has_display() -> bool:
    return os.name == "nt" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) or sys.platform == "darwin"
