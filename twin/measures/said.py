"""What an attribute says, in three values: yes, no, and nothing; unknown is neither pass nor fail."""

from __future__ import annotations

from collections.abc import Sequence

BUILT = ("in_service", "built", "existing", "existed", "active", "operational", "已建", "现状", "在用", "投用", "运行", "竣工")
NOT_BUILT = (
    "planned", "proposed", "design", "reserved", "building", "construction", "retired", "abandoned", "out_of_service", "removed",
    "规划", "拟建", "在建", "未建", "预留", "设计", "废弃", "停用", "拆除",
)  # fmt: skip
YES = ("1", "1.0", "true", "yes", "y", "t", "是", "有", "√")
NO = ("0", "0.0", "false", "no", "n", "f", "否", "无", "×")


def yes_no_unknown(value: object, yes: Sequence[str], no: Sequence[str]) -> bool | None:
    """Whether a value holds a word of `yes` or of `no`; None where it holds neither. Of both, `no` counts."""
    said = str("" if value is None else value).strip().casefold()
    if not said or said == "nan":
        return None
    if any(word in said for word in no):
        return False
    return True if any(word in said for word in yes) else None


def flag(value: object) -> bool | None:
    """A yes-or-no attribute as a source may write it; None where it is missing or none of the usual words."""
    if isinstance(value, bool):
        return value
    said = str("" if value is None else value).strip().casefold()
    return True if said in YES else False if said in NO else None
