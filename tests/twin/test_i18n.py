from __future__ import annotations

import subprocess
import sys


def test_sentences_are_read_without_importing_what_says_them() -> None:
    """A package whose libraries are not installed still has its sentences, and a broken one breaks nobody else's."""
    program = (
        "import sys; from twin.i18n import catalogue; assert catalogue()['crs_missing'];"
        "print([name for name in sys.modules if name.startswith(('importers.', 'tiles.', 'web.'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
