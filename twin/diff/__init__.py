"""What changed between two versions of a source: by id, by shape and by what is said about each thing.

Elements are compared by GlobalId; those left over are paired by class, shape and place, because programs give new GlobalIds to old
things. A motion that the whole model made is told once and taken out before single elements are compared.
"""

from __future__ import annotations

from twin.diff.changes import Difference
from twin.diff.contents import compare
from twin.errors import NotFound, UsageError
from twin.model import SourceContent
from twin.store import Store


def difference(store: Store, name: str, old: int | None = None, new: int | None = None) -> Difference:
    """What changed in a source between two of its versions, the last two unless told otherwise.

    Parameters
    ----------
    store
        The park.
    name
        A source, or a model or layer that came from one, by id or name.
    old, new
        Version numbers.

    Raises
    ------
    NotFound
        If nothing has that name, or there is no such version.
    UsageError
        If the source has one version only.
    """
    source, before, newest = chosen(store, name, old, new)
    return between(source, (before, store.version(source, before)), (newest, store.version(source, newest)))


def between(source: str, old: tuple[int, SourceContent], new: tuple[int, SourceContent]) -> Difference:
    """What changed from one version of a source to another, each with its number."""
    changes, unchanged, shifts = compare(old[1], new[1])
    return Difference(source, (old[0], new[0]), changes, unchanged, shifts)


def chosen(store: Store, name: str, old: int | None = None, new: int | None = None) -> tuple[str, int, int]:
    """The source that has the name, and the two versions of it that are meant.

    Raises
    ------
    NotFound
        If nothing has that name.
    UsageError
        If the source has one version only.
    """
    source = source_of(store, name)
    numbers = [version.number for version in store.versions(source)]
    if old is None and len(numbers) < 2:
        raise UsageError("diff_one_version", subject=source)
    newest = numbers[-1] if new is None else new
    earlier = [number for number in numbers if number < newest]
    before = old if old is not None else earlier[-1] if earlier else numbers[0]
    return source, before, newest


def source_of(store: Store, name: str) -> str:
    """The source that has this name, or that a model or layer of this name came from.

    Raises
    ------
    NotFound
        If there is none.
    """
    sources = {version.source for version in store.versions()}
    if name in sources:
        return name
    layer = next((layer.source for layer in store.layers() if name in {layer.id, layer.title} and layer.source in sources), None)
    if layer is not None:
        return layer
    model = next((model.source for model in store.models() if name in {model.id, model.name} and model.source in sources), None)
    if model is not None:
        return model
    raise NotFound("diff_source_missing", subject=name, known=", ".join(sorted(sources)) or "–")
