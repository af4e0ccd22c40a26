"""A reader of *What is in memory* in docs/dispatcher.md that was written from that page alone.

One lock and one condition; users of a graph are counted, and its memory is freed by hand. Its
methods are short, so that wrong readers can replace one each.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from residency_suite import STEM, FakeEngine, FakeGraph, Script, Step

from mvmoe_deploy.errors import EngineError


class RefusedError(Exception):
    """An error with a code of docs/errors.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Load:
    """A load that some threads wait for."""

    thread: int
    ended: bool = False
    code: str | None = None


@dataclass
class Copy:
    """A graph in the engine's memory, and how many calls use it."""

    graph: FakeGraph
    users: int = 0


@dataclass
class Entry:
    """What is known of a graph."""

    name: str
    stage: int
    bytes: int
    share: float = 0.0
    pinned: bool = False
    copy: Copy | None = None
    load: Load | None = None
    last_use: int = 0
    identity: tuple[int, ...] = ()
    sha256: str = ""


class PageReader:
    """See `Reader`."""

    def __init__(self, engine: FakeEngine, script: Script, step: Step) -> None:
        self.engine = engine
        self.most = step.get("max_resident_experts")
        self.room = step.get("max_resident_bytes")
        for limit in (self.most, self.room):
            if limit is not None and (type(limit) is not int or limit < 1):
                raise RefusedError("input.invalid")
        self.changed = threading.Condition()
        self.waiting: dict[int, Callable[[], bool]] = {}
        self.in_flight = 0
        self.closed = False
        self.clock = 0
        self.given_up: list[Copy] = []
        """Copies that were evicted while calls used them."""
        self.stages = [[graph["name"] for graph in graphs] for graphs in script["stages"]]
        self.entries = {
            graph["name"]: Entry(graph["name"], stage, graph["bytes"], graph.get("share", 0.0))
            for stage, graphs in enumerate(script["stages"])
            for graph in graphs
        }
        self.stem = Entry(STEM, -1, 0)
        for entry in [self.stem, *self.entries.values()]:
            self.remember(entry)
        for pin in step.get("pin", []):
            self.pin(pin)
        self.stem.copy = Copy(self.read(self.stem))

    # What is called.

    def ask(self, graphs: list[str]) -> list[int]:
        with self.call():
            self.stem.copy.graph.run()
            return [self.use(self.entries[name]) for name in graphs]

    def ask_batch(self, images: list[list[str]]) -> tuple[list[list[int] | None], dict[int, str]]:
        with self.call():
            answers: list[list[int] | None] = [[] for _ in images]
            codes: dict[int, str] = {}
            for stage in range(len(self.stages)):
                for name, group in self.groups(images, stage, codes):
                    try:
                        number = self.use(self.entries[name])
                        for image in group:
                            answers[image].append(number)
                    except EngineError as error:
                        codes |= dict.fromkeys(group, error.code)
            return [None if i in codes else row for i, row in enumerate(answers)], codes

    def prewarm(self) -> None:
        with self.call():
            for entry in self.prewarming_order():
                if not self.closed and self.has_room(entry):
                    try:
                        self.use(entry)
                    except EngineError:
                        self.skip(entry)

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.wait(lambda: self.in_flight == 0)
            for entry in [self.stem, *self.entries.values()]:
                self.drop(entry)

    @property
    def resident(self) -> list[str]:
        loaded = [entry for entry in self.entries.values() if entry.copy is not None]
        return [entry.name for entry in sorted(loaded, key=lambda entry: entry.last_use)]

    def waits(self, thread: int) -> bool:
        with self.changed:
            ready = self.waiting.get(thread)
            return ready is not None and not ready()

    # Calls.

    @contextmanager
    def call(self) -> Iterator[None]:
        with self.changed:
            if self.closed:
                raise RefusedError("dispatcher.closed")
            self.in_flight += 1
        try:
            yield
        finally:
            with self.changed:
                self.in_flight -= 1
                self.changed.notify_all()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait for something that another thread does; the lock is held."""
        me = threading.get_ident()
        self.waiting[me] = ready
        self.changed.wait_for(ready, 30)
        del self.waiting[me]

    def groups(
        self, images: list[list[str]], stage: int, codes: dict[int, str]
    ) -> list[tuple[str, list[int]]]:
        """The images by the graph that they need at a stage: graphs in memory first."""
        found: dict[str, list[int]] = {}
        for image, graphs in enumerate(images):
            if image not in codes:
                found.setdefault(graphs[stage], []).append(image)
        return sorted(found.items(), key=lambda group: self.entries[group[0]].copy is None)

    def prewarming_order(self) -> list[Entry]:
        return sorted(self.entries.values(), key=lambda entry: (not entry.pinned, -entry.share))

    def skip(self, entry: Entry) -> None:
        """A graph did not load while prewarming."""

    def use(self, entry: Entry) -> int:
        """Run a graph, loaded if it is cold."""
        copy = self.take(entry)
        try:
            return copy.graph.run()
        finally:
            with self.changed:
                copy.users -= 1
                if copy.users == 0 and copy in self.given_up:
                    self.given_up.remove(copy)
                    copy.graph.free()

    def take(self, entry: Entry) -> Copy:
        """A graph for one user more."""
        while True:
            with self.changed:
                if entry.copy is not None:
                    return self.hit(entry)
                load = entry.load
                if load is None:
                    load = entry.load = Load(threading.get_ident())
                    break
                self.wait(lambda load=load: load.ended)
                if load.code is not None:
                    raise EngineError("shared", code=load.code)
        try:
            with self.changed:
                self.make_room(entry)
            graph = self.read(entry)
        except BaseException as error:
            with self.changed:
                self.load_failed(entry, load, error)
                entry.load = None
                load.ended = True
                self.changed.notify_all()
            raise
        with self.changed:
            entry.load = None
            entry.copy = Copy(graph)
            load.ended = True
            copy = self.hit(entry)
            self.trim(entry)
            self.changed.notify_all()
            return copy

    def load_failed(self, entry: Entry, load: Load, error: BaseException) -> None:
        if isinstance(error, EngineError):
            load.code = error.code

    def hit(self, entry: Entry) -> Copy:
        """One user more of a graph in memory, which is now the most recently used."""
        self.touch(entry)
        entry.copy.users += 1
        return entry.copy

    def touch(self, entry: Entry) -> None:
        self.clock += 1
        entry.last_use = self.clock

    # Budgets.

    def pin(self, pin: str | int | list[int]) -> None:
        if isinstance(pin, str):
            names = [pin] if pin in self.entries else []
        else:
            (expert,) = pin if isinstance(pin, list) and len(pin) == 1 else [pin]
            known = isinstance(expert, int) and expert >= 0
            names = [stage[expert] for stage in self.stages if known and expert < len(stage)]
        if not names:
            raise RefusedError("routing.unknown-route")
        for name in names:
            self.entries[name].pinned = True

    def counting(self, entry: Entry) -> list[Entry]:
        """The graphs beside one that count."""
        return [
            other
            for other in self.entries.values()
            if other is not entry and (other.copy is not None or other.load is not None)
        ]

    def fits_stage(self, entry: Entry) -> bool:
        mates = [other for other in self.counting(entry) if other.stage == entry.stage]
        return self.most is None or len(mates) + 1 <= self.most

    def fits_bytes(self, entry: Entry) -> bool:
        total = entry.bytes + sum(other.bytes for other in self.counting(entry))
        return self.room is None or total <= self.room

    def has_room(self, entry: Entry) -> bool:
        return entry.copy is not None or (self.fits_stage(entry) and self.fits_bytes(entry))

    def candidates(self, entry: Entry) -> list[Entry]:
        """What may be evicted for a graph, in order."""
        loaded = [self.entries[name] for name in self.resident]
        return [other for other in loaded if other is not entry and not other.pinned]

    def stage_candidates(self, entry: Entry) -> list[Entry]:
        return [other for other in self.candidates(entry) if other.stage == entry.stage]

    def make_room(self, entry: Entry) -> None:
        """Evict until a graph fits, or nothing is left to evict."""
        for other in self.stage_candidates(entry):
            if not self.fits_stage(entry):
                self.drop(other)
        for other in self.candidates(entry):
            if not self.fits_bytes(entry):
                self.drop(other)

    def trim(self, entry: Entry) -> None:
        """Once more after the load: other loads may have ended meanwhile."""
        self.make_room(entry)

    def drop(self, entry: Entry) -> None:
        """Evict a graph; its memory is freed now, or when its last user has finished."""
        copy, entry.copy = entry.copy, None
        if copy is None:
            return
        if copy.users:
            self.given_up.append(copy)
        else:
            copy.graph.free()

    # Files.

    def read(self, entry: Entry) -> FakeGraph:
        """Load a graph from the file that was there at opening."""
        self.require_same(entry)
        try:
            graph = self.engine.load(entry.name)
        except EngineError:
            self.require_same(entry)
            raise
        try:
            self.require_same(entry)
        except RefusedError:
            graph.free()
            raise
        return graph

    def identity(self, entry: Entry) -> tuple[int, ...]:
        found = self.engine.file(entry.name).lstat()
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def content(self, entry: Entry) -> str:
        return hashlib.sha256(self.engine.file(entry.name).read_bytes()).hexdigest()

    def remember(self, entry: Entry) -> None:
        entry.identity = self.identity(entry)
        entry.sha256 = self.content(entry)

    def require_same(self, entry: Entry) -> None:
        file = self.engine.file(entry.name)
        if file.is_symlink() or not file.exists():
            raise RefusedError("bundle.replaced")
        if self.identity(entry) != entry.identity:
            if self.content(entry) != entry.sha256:
                raise RefusedError("bundle.replaced")
            entry.identity = self.identity(entry)


def open_page(engine: FakeEngine, script: Script, step: Step) -> PageReader:
    """See `Open`."""
    return PageReader(engine, script, step)
