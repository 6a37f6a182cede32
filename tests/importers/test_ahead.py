"""Several files in one call: the next is begun while one is read, and nothing else is different."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from importers import pipeline
from importers.contract import Context, Imported, Options, Progress
from importers.pipeline import import_files
from twin.errors import UnreadableSource
from twin.store import Store, open_store

SAMPLES = Path(__file__).parents[2] / "sample_park" / "data"


@dataclass
class Slow:
    """An importer that notes what it does; a file that says `bad` is refused, one that says `big` is read alone."""

    name: str = "vector"
    did: list[str] = field(default_factory=list[str])
    ready: threading.Event = field(default_factory=threading.Event)

    def recognises(self, path: Path, head: bytes) -> int:
        del path, head
        return 100

    def may_begin(self, path: Path, beside: Path) -> bool:
        return "big" not in path.read_text() + beside.read_text()

    @contextmanager
    def begin(self, path: Path, options: Options, cache: Path | None, progress: Progress) -> Iterator[str]:
        del options, cache
        self.did.append(f"begin {path.name}")
        try:
            progress("reading", 0, 0)
            if path.read_text() == "bad":
                raise UnreadableSource("ifc_unreadable", subject=path.name, reason="bad")
            self.ready.set()
            yield path.read_text()
        finally:
            self.did.append(f"leave {path.name}")

    def read(self, path: Path, context: Context) -> Imported:
        self.did.append(f"read {path.name}")
        if path.read_text() == "interrupted":
            assert self.ready.wait(10.0)
            raise KeyboardInterrupt
        if context.early is None:
            with self.begin(path, context.options, None, context.progress) as text:
                return Imported("vector", details={"text": text})
        with ExitStack() as stack:
            return Imported("vector", details={"text": context.early(stack)})


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    found = Slow()
    monkeypatch.setattr(pipeline, "find", lambda path, kind=None: found)
    return found


def files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{k}.txt" for k in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def test_the_next_file_is_begun_and_all_come_in_order(store: Store, slow: Slow, tmp_path: Path) -> None:
    outcomes = import_files(store, files(tmp_path, "a", "bad", "c"), Options())
    assert [outcome.error.code if outcome.error else outcome.said("en")["details"]["text"] for outcome in outcomes] == [
        "a",
        "ifc_unreadable",
        "c",
    ]
    for name in ("0.txt", "1.txt", "2.txt"):
        assert [word for word in slow.did if word.endswith(name)].count(f"begin {name}") == 1
        assert [word for word in slow.did if word.endswith(name)].count(f"leave {name}") == 1
    assert slow.did.index("begin 1.txt") < slow.did.index("read 1.txt")
    assert slow.did.index("begin 2.txt") < slow.did.index("read 2.txt")
    assert [source["name"] for source in store.sources()] == ["0.txt", "2.txt"]


def test_a_large_file_is_not_begun_early(store: Store, slow: Slow, tmp_path: Path) -> None:
    import_files(store, files(tmp_path, "a", "big"), Options())
    assert slow.did == ["read 0.txt", "begin 0.txt", "leave 0.txt", "read 1.txt", "begin 1.txt", "leave 1.txt"]


def test_what_is_known_already_is_not_begun(store: Store, slow: Slow, tmp_path: Path) -> None:
    a, b = files(tmp_path, "a", "b")
    import_files(store, [b], Options())
    slow.did.clear()
    outcomes = import_files(store, [a, b], Options())
    assert [outcome.said("en")["changed"] for outcome in outcomes] == [True, False]
    assert "begin 1.txt" not in slow.did


def test_an_interrupt_lets_go_of_what_was_begun(store: Store, slow: Slow, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        import_files(store, files(tmp_path, "interrupted", "b"), Options())
    assert slow.did[-1] == "leave 1.txt"
    assert not store.sources()


def test_models_of_one_call_are_those_of_one_call_each(store: Store, tmp_path: Path, empty_park: Path) -> None:
    together, apart = store, open_store(shutil.copytree(empty_park, tmp_path / "apart"))
    options, models = Options(place="120.6,31.3,0,0"), [SAMPLES / "factory.ifc", SAMPLES / "canteen.ifc"]
    heard: list[tuple[str, int, int]] = []
    assert [outcome.error for outcome in import_files(together, models, options, progress=lambda *said: heard.append(said))] == [None, None]
    assert [word for word, _, _ in heard].count("write") == 2
    for path in models:
        import_files(apart, [path], options)
    assert [model.id for model in together.models()] == [model.id for model in apart.models()]
    for model in together.models():
        one, other = together.mesh(model.id), apart.mesh(model.id)
        assert one.vertices.tobytes() == other.vertices.tobytes()
        assert one.faces.tobytes() == other.faces.tobytes()
        assert list(together.elements(model.id)) == list(apart.elements(model.id))
    apart.close()
