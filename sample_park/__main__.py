"""Draws the park anew into `sample_park/data`, or into the folder given."""

from __future__ import annotations

import sys
from pathlib import Path

from sample_park import DATA
from sample_park.build import build

if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
