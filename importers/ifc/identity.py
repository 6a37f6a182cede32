"""One stable id for every product (runs in the child).

A missing GlobalId is replaced by one made from the product's class, name and tag, a repeated one gets its number; so the same file
always gives the same ids. The substitutes are written into the open file too: the kernel fails on products without a GlobalId.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import ifcopenshell.guid

from importers.ifc.entity import attribute


def identities(products: Sequence[Any]) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """Step id -> id of each product, and an issue for each that had none of its own."""
    ids: dict[int, str] = {}
    issues: list[dict[str, Any]] = []
    seen: Counter[str] = Counter()
    for product in products:
        given = product.GlobalId or ""
        name = given or _made_up(product)
        seen[name] += 1
        if not given:
            product.GlobalId = _made_up(product, seen[name])
        final = product.GlobalId if not given else name if seen[name] == 1 else f"{name}~{seen[name]}"
        ids[product.id()] = final
        if final != given:
            code = "ifc_id_repeated" if given else "ifc_id_missing"
            issues.append({"code": code, "severity": "warning", "subject": label(product), "details": {"id": final}})
    return ids, issues


def label(product: Any) -> str:
    """A product as a person finds it: class, name and GlobalId, or its line in the file."""
    return f"{product.is_a()} {product.Name or ''} ({product.GlobalId or f'#{product.id()}'})".replace("  ", " ")


def _made_up(product: Any, number: int = 1) -> str:
    words = [product.is_a(), product.Name or "", attribute(product, "Tag") or "", str(number)]
    return str(ifcopenshell.guid.compress(hashlib.md5("|".join(words).encode(), usedforsecurity=False).hexdigest()))
