"""Attributes of an IFC instance that its schema may lack (runs in the child).

Plain `getattr` on a missing attribute makes the kernel load its rule compiler's output, which costs more than reading a small file.
"""

from __future__ import annotations

from typing import Any

_FORWARD, _INVERSE = 1, 2  # what the kernel calls the categories of an attribute


def attribute(instance: Any, name: str) -> Any:
    """The value of `name`, a tuple for an inverse; None where the schema of the file gives the class no such attribute."""
    if instance is None:
        return None
    category = instance.get_attribute_category(name)
    if category == _FORWARD:
        return instance.get_argument(instance.get_argument_index(name))
    return getattr(instance, name) if category == _INVERSE else None


def text(value: Any) -> str:
    """A text as it is, anything else as nothing: broken files have numbers where names should be."""
    return value if isinstance(value, str) else ""
