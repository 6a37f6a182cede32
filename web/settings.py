"""How the server is set up: one frozen value, made by the command line or a test, never read at import."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")


@dataclass(frozen=True)
class Settings:
    """What the server may be told."""

    host: str = "127.0.0.1"
    static: str = ""  # folder of the built client; empty: the one in the package
    poll_s: float = 0.2  # how often the store is looked at for new events [s]
    threads: int = 8  # requests that may wait for the store at once, each thread with its own connection
    measures_at_once: int = 2  # computations that may run side by side
    rule: str = ""  # package.module:function that says who may see what (`tiles.http.permission`); empty: everything may be seen

    @property
    def is_open(self) -> bool:
        """Whether machines other than this one can reach the server."""
        return self.host not in LOOPBACK

    @property
    def static_folder(self) -> Path:
        """Where the built client lies (or would lie)."""
        return Path(self.static) if self.static else Path(str(files("web"))) / "static"

    def to_json(self) -> str:
        """The settings as text, for the environment of a worker process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The settings `to_json` wrote."""
        return cls(**json.loads(text))
