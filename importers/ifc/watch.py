"""What the children of one file have said so far, and whose turn it may have been when one died."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SUSPECTS = 8  # products built one by one after a crash: the one whose turn it was is among the next in line


@dataclass
class Watch:
    """The order of the work, what is done of it, and what came out, as far as it is told."""

    bodies: list[int] = field(default_factory=list[int])
    order: list[int] = field(default_factory=list[int])
    one_by_one: bool = False
    is_helped: bool = False  # two build at once: when both are silent nobody knows who hangs
    current: int | None = None
    built: set[int] = field(default_factory=set[int])
    no_shape: list[int] = field(default_factory=list[int])
    beyond: list[int] = field(default_factory=list[int])
    boxed: list[int] = field(default_factory=list[int])
    voided: list[int] = field(default_factory=list[int])
    refused: str = ""
    last_words: str = ""  # the last line a child wrote to standard error

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take in one line of a child."""
        at = message["at"]
        if at == "content":
            self.bodies = message["bodies"]
        elif at == "step":
            self.order, self.one_by_one, self.current = [], message["one_by_one"], None
        elif at == "order":
            self.order += message["order"]
        elif at == "helped":
            self.is_helped = True
        elif at == "also":
            self.built.add(message["product"])
        elif at in {"begin", "built"}:
            self.current = message["product"]
            self.built |= {message["product"]} if at == "built" else set()
        elif at == "end":
            self.no_shape, self.voided = message["failed"], message["voided"]
            self.beyond, self.boxed = message["beyond"], message["boxed"]
        elif at == "refused":
            self.refused = message["reason"]

    def suspects(self) -> list[int]:
        """Whose turn it may have been: the one begun, or those that come after the last one built."""
        if self.one_by_one:
            return [self.current] if self.current is not None else []
        start = self.order.index(self.current) + 1 if self.current in self.order else 0
        return [product for product in self.order[start:] if product not in self.built][:_SUSPECTS]
