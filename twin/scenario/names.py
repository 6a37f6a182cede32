"""What a scenario may be called."""

from __future__ import annotations

from twin.errors import UsageError

LONGEST = 80
_NOT_IN_A_NAME = frozenset("/\\?#%\"'<>|*:")


def checked_name(name: str) -> str:
    """The name, if it can stand in an address and on a command line.

    Raises
    ------
    UsageError
        If it cannot.
    """
    clean = name.strip()
    if not clean or len(clean) > LONGEST or clean.startswith((".", "-")) or not clean.isprintable() or _NOT_IN_A_NAME & set(clean):
        raise UsageError("scenario_name", subject=name[:LONGEST], most=LONGEST)
    return clean
