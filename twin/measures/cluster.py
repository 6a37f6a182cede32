"""What cameras see, found by the workers of a dask cluster: the one border to `distributed`.

Within `connected(address)` the two questions that cost the most, `footprints` of cameras on a surface and `watch_faces`, are answered by
workers; elsewhere they are answered here, and the answer is the same to the last bit. What all cameras share is sent once to each worker
under the hash of its content: the obstacles, which the worker makes ready for rays once, and the question with its cells. Then cameras go
out a few at a time, so many that a task takes about TASK_S, and what each covers comes back. A camera does not depend on others: what a
lost worker had is asked of another.

        here                     each worker
        obstacles ── once ─────▶ Sight (kept)
        surface, cells ── once ▶ question (kept)
        cameras ── a few ──────▶ looks ──▶ what each covers ──▶ here

Whatever travels is pickled here and not by `distributed`: arrays come out as they went in, writable, as the compiled loops know them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import pickle
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from socket import create_connection
from threading import RLock
from typing import Any
from zlib import crc32

from twin.compiled import stamp
from twin.coverage import facewatch, visibility
from twin.coverage.camera import View
from twin.coverage.facewatch import FaceQuestion, Watched
from twin.coverage.field import Field
from twin.coverage.footprint import Footprint
from twin.coverage.look import Sight, prepare, with_best
from twin.coverage.surface import Surface
from twin.coverage.upright import Face
from twin.coverage.visibility import Question, Remember, Seen
from twin.errors import MeasureError, MissingInput
from twin.measures.camera import remembered
from twin.scene import Obstacles

TASK_S = 0.25  # what a task is made to take: much more than the few milliseconds that sending it costs, much less than everything
AHEAD = 2  # tasks that each thread of a worker has, the one it works at included
CONNECT_S, PATIENCE_S = 10.0, 30.0  # for a scheduler to answer, and for a worker to be there
POLL_S = 0.5  # between looks at whether there are workers
MOST_TRIES = 4  # of one task, where workers are lost under it
_LIBRARIES = ("numpy", "shapely", "numba", "embreex")
_CANCELLED = (concurrent.futures.CancelledError, asyncio.CancelledError)  # what becomes of a task whose input is lost
_MOST_KEPT = 10  # of what was sent, here and on each worker

_Key = str
_Keys = tuple[tuple[_Key, ...], tuple[_Key, ...]]  # of obstacles, and of the parts of a question


@dataclass(frozen=True)
class Workers:
    """A cluster one may ask."""

    address: str
    client: Any  # distributed.Client
    sent: dict[int, tuple[Any, _Key, Any]] = field(default_factory=dict[int, tuple[Any, _Key, Any]])  # by identity; held, so it stays one


@dataclass(frozen=True)
class _Task:
    """Items to answer: what kind, under which keys obstacles and the parts of the question are kept, and by which program."""

    kind: str
    scenes: tuple[_Key, ...]
    question: tuple[_Key, ...]
    program: str
    items: bytes


_Asked = tuple[list[str], int, str]  # items, which try it is, and the worker that was asked


@dataclass
class _Job:
    """Items being answered."""

    workers: Workers
    kind: str
    scenes: Sequence[Obstacles]
    question: Sequence[Any]  # its parts
    items: Mapping[str, Any]  # by a name that the same item has in every question
    left: list[str]  # that nobody was asked yet
    running: dict[Any, _Asked] = field(default_factory=dict[Any, _Asked])
    again: list[tuple[list[str], int]] = field(default_factory=list[tuple[list[str], int]])
    out: dict[str, Any] = field(default_factory=dict[str, Any])
    seconds: float = 0.0  # that workers took for `out`


_current: ContextVar[Workers | None] = ContextVar("workers", default=None)
_kept: OrderedDict[_Key, Any] = OrderedDict()
_lock = RLock()  # held while something is made ready: other tasks of this worker need the same thing


@contextmanager
def connected(address: str | None) -> Generator[None]:
    """Ask the workers of the scheduler at an address within; here where it is None.

    Raises
    ------
    MissingInput
        If `distributed` is not installed, or no scheduler or worker answers.
    """
    if address is None:
        yield
        return
    client = _client(address)
    token = _current.set(Workers(address, client))
    try:
        with client.as_current():
            yield
    finally:
        _current.reset(token)
        client.close()


def footprints(
    surface: Surface, field: Field, sight: Sight, views: Sequence[View], question: Question, remember: Remember | None = None
) -> dict[str, Footprint]:
    """What each camera covers, by its id: as `twin.coverage.visibility.footprints`, by workers where there are some."""
    workers = _current.get()
    if workers is None or not len(field.cells) or not views:
        return visibility.footprints(surface, field, sight, views, question, remember)
    by_camera: dict[str, list[View]] = {}
    for view in views:
        by_camera.setdefault(view.camera, []).append(view)
    return _answered(workers, "footprints", sight, (field, (surface, question)), by_camera)


def watch_faces(faces: Sequence[Face], sight: Sight, views: Sequence[View], question: FaceQuestion) -> Watched:
    """What cameras cover of faces: as `twin.coverage.facewatch.watch_faces`, by workers where there are some."""
    workers = _current.get()
    if workers is None or not faces:
        return facewatch.watch_faces(faces, sight, views, question)
    named = {str(number): face for number, face in enumerate(faces)}
    found: list[Watched] = list(_answered(workers, "faces", sight, ((list(views), question),), named).values())
    covered = dict.fromkeys((view.camera for view in views), (0.0, 0.0))
    for each in found:  # one face each, added up in the order in which they are added up here
        for name, (own, lost) in each.by_camera.items():
            covered[name] = covered[name][0] + own, covered[name][1] + lost
    parts = [[part for each in found for part in getattr(each, name)] for name in ("faces", "lower", "value", "upper", "density")]
    return Watched(parts[0], parts[1], parts[2], parts[3], parts[4], covered)


def _knock(address: str) -> None:
    """Raise if nobody answers at an address: a client that cannot connect is never closed, and ends whenever its memory is collected."""
    comm = import_module("distributed.comm")
    scheme, location = comm.parse_address(address)
    if scheme in {"tcp", "tls", "ws", "wss"}:
        create_connection(comm.parse_host_port(location), CONNECT_S).close()


def _client(address: str) -> Any:
    """A client of the scheduler at an address that has workers."""
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError as error:
        raise MissingInput("cluster_not_installed", subject=address) from error
    try:
        _knock(address)
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise MissingInput("cluster_unreachable", subject=address) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S / 3)
    except TimeoutError as error:
        client.close()
        raise MissingInput("cluster_empty", subject=address) from error
    return client


def _answered(workers: Workers, kind: str, sight: Sight, question: Sequence[Any], items: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to each item, in their order."""
    scenes = [sight.scene.obstacles, *([sight.best.scene.obstacles] if sight.best is not None else [])]
    job = _Job(workers, kind, scenes, question, items, list(items))
    there = time.monotonic()
    while len(job.out) < len(items):
        threads: dict[str, int] = workers.client.nthreads()
        if threads:
            there = time.monotonic()
            _fill(job, threads)
        elif time.monotonic() - there > PATIENCE_S:
            raise MissingInput("cluster_empty", subject=workers.address)
        for future in _settled(list(job.running)):
            _take(job, future)
    workers.sent.pop(id(question[-1]), None)  # obstacles and cells may serve the next question
    return {name: job.out[name] for name in items}


def _fill(job: _Job, threads: Mapping[str, int]) -> None:
    """Give each worker AHEAD tasks a thread: what has to be asked again first. A scheduler left to itself may ask one worker for all."""
    names = sorted(threads)
    slots = AHEAD * sum(threads.values())
    busy = Counter(name for _, _, name in job.running.values())
    free = [name for ahead in range(AHEAD * max(threads.values())) for name in names if busy[name] <= ahead < AHEAD * threads[name]]
    for name in free:
        if not job.left and not job.again:
            return
        chosen, tries = job.again.pop() if job.again else (_some(job, slots, names.index(name), len(names)), 1)
        job.running[_submitted(job, [job.items[item] for item in chosen], name)] = chosen, tries, name


def _some(job: _Job, slots: int, rank: int = 0, workers: int = 1) -> list[str]:
    """Take the next few items: as many as TASK_S will do, fewer towards the end, so that workers end together.

    Those of a worker's own rank come first: it remembers what it looked at when a question before this one was about the same.
    """
    each_s = job.seconds / len(job.out) if job.out else TASK_S
    n = max(1, min(int(TASK_S / max(each_s, 1e-9)), len(job.left) // (2 * slots)))
    chosen = sorted(job.left, key=lambda item: crc32(item.encode()) % workers != rank)[:n]
    taken = set(chosen)
    job.left[:] = [item for item in job.left if item not in taken]
    return chosen


def _submitted(job: _Job, items: Sequence[Any], worker: str) -> Any:
    scenes, question = ([_sent(job.workers, part) for part in parts] for parts in (job.scenes, job.question))
    keys = tuple(key for key, _ in scenes), tuple(key for key, _ in question)
    task = _Task(job.kind, *keys, program(), pickle.dumps(list(items), pickle.HIGHEST_PROTOCOL))
    held = [part for _, part in scenes], [part for _, part in question]
    # another worker may take it all the same: should this one be lost with the answer, the answer is made again elsewhere
    return job.workers.client.submit(answer, task, *held, pure=False, workers=[worker], allow_other_workers=True)


def _settled(running: Sequence[Any]) -> list[Any]:
    """The tasks that are over, one way or another, after waiting for the first of them for a while."""
    if not running:
        time.sleep(POLL_S)
        return []
    with suppress(TimeoutError, *_CANCELLED):
        import_module("distributed").wait(list(running), timeout=POLL_S, return_when="FIRST_COMPLETED")
    return [future for future in running if future.status != "pending"]


def _take(job: _Job, future: Any) -> None:
    """Take in what a task that is over has answered; ask again where its worker was lost."""
    chosen, tries, _ = job.running.pop(future)
    told = _result(job, future)
    if told is not None:
        job.seconds += told[0]
        job.out |= dict(zip(chosen, told[1], strict=True))
    else:
        _ask_again(job, chosen, tries)


def _ask_again(job: _Job, chosen: list[str], tries: int) -> None:
    if tries >= MOST_TRIES:
        raise MeasureError("cluster_lost", subject=job.workers.address, tries=MOST_TRIES)
    job.again.append((chosen, tries + 1))


def _result(job: _Job, future: Any) -> tuple[float, list[Any]] | None:
    """What a task took [s] and answered; None where it went with its worker."""
    try:
        seconds, packed = future.result(timeout=PATIENCE_S)
    except (OSError, TimeoutError, import_module("distributed").KilledWorker, *_CANCELLED):
        return None
    except MeasureError:
        raise
    except Exception as error:
        raise MeasureError("cluster_failed", subject=job.workers.address, told=f"{type(error).__name__}: {error}") from error
    return seconds, pickle.loads(packed)  # noqa: S301  our own program packed it


def _sent(workers: Workers, part: Any) -> tuple[_Key, Any]:
    """The key of something every worker needs, and where it is; it is sent again if all that had it are lost."""
    if id(part) in workers.sent:
        _, key, future = workers.sent[id(part)]
        if future.status == "finished":
            return key, future
    packed = pickle.dumps(part, pickle.HIGHEST_PROTOCOL)
    key = f"parktwin-{sha256(packed).hexdigest()}"
    future = workers.client.scatter({key: packed}, broadcast=True)[key]
    workers.sent[id(part)] = part, key, future
    while len(workers.sent) > _MOST_KEPT:
        workers.sent.pop(next(iter(workers.sent)))
    return key, future


@cache
def program() -> str:
    """A hash over everything that an answer depends on besides what is asked: this program and the libraries it computes with."""
    return sha256(repr((stamp(__file__), [version(name) for name in _LIBRARIES])).encode()).hexdigest()


def answer(task: _Task, scenes: Sequence[bytes], question: Sequence[bytes]) -> tuple[float, bytes]:
    """On a worker: the answers to a task's items, pickled, and how long they took. [s]

    Raises
    ------
    MeasureError
        If this worker runs another program than the one that asks: its answers might differ.
    """
    if task.program != program():
        raise MeasureError("cluster_differs")
    sight = _sight(task.scenes, scenes)
    asked = [_unpacked(key, part) for key, part in zip(task.question, question, strict=True)]
    items = pickle.loads(task.items)  # noqa: S301
    start = time.perf_counter()
    found = [_KINDS[task.kind](sight, asked, (task.scenes, task.question), item) for item in items]
    return time.perf_counter() - start, pickle.dumps(found, pickle.HIGHEST_PROTOCOL)


def _unpacked(key: _Key, part: bytes) -> Any:
    return _held(key, lambda: pickle.loads(part))  # noqa: S301  our own program packed it


def _sight(keys: Sequence[_Key], packed: Sequence[bytes]) -> Sight:
    """The obstacles made ready for looking, once."""

    def ready(key: _Key, part: bytes) -> Sight:
        return _held(key, lambda: prepare(pickle.loads(part)))  # noqa: S301  the same

    if len(keys) == 1:
        return ready(keys[0], packed[0])
    return _held("".join(keys), lambda: with_best(ready(keys[0], packed[0]), ready(keys[1], packed[1])))


def _held(key: _Key, make: Callable[[], Any]) -> Any:
    """What was made of something sent, or is made now."""
    with _lock:
        made = _kept.pop(key) if key in _kept else make()
        _kept[key] = made
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return made


def _footprint(sight: Sight, asked: tuple[Field, tuple[Surface, Question]], keys: _Keys, views: Sequence[View]) -> Footprint:
    """What one camera covers."""
    cells, (surface, question) = asked
    scenes, parts = keys

    def remember(view: View, is_best: bool, compute: Callable[[], Seen]) -> Seen:
        among = "".join((*(scenes if is_best else scenes[:1]), *parts))
        return remembered(among, question.criteria)(view, is_best, compute)

    return visibility.footprints(surface, cells, sight, views, question, remember)[views[0].camera]


def _face(sight: Sight, asked: tuple[tuple[Sequence[View], FaceQuestion]], keys: _Keys, face: Face) -> Watched:
    """What cameras cover of one face."""
    del keys
    views, question = asked[0]
    return facewatch.watch_faces([face], sight, views, question)


_KINDS: dict[str, Callable[[Sight, Any, _Keys, Any], Any]] = {"footprints": _footprint, "faces": _face}
