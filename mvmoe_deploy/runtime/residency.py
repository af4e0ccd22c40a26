"""Which graphs are in memory: pinned ones, then the most recently used within a budget.

Knows names, sizes and groups; what a graph is and how it is loaded is the caller's.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from mvmoe_deploy.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """What residency knows of a graph."""

    group: int
    """Items of one group share `max_per_group`: the routes of one stage."""
    bytes: int


class Residency(Generic[T]):
    """A cache of loaded things with pins, a count per group and a budget of bytes.

    Invariants:

    - Two threads that ask for the same cold item load it once; both get it or its error.
    - Items with other names load side by side; nobody waits for a load he did not ask for.
    - Room is made before a load, so that a budget holds while loading too. Items that are being
      loaded count. If everything else is pinned or in flight, the item loads over budget rather
      than fail; what was in flight gives way when the last of its company has arrived.
    - A failed load is not remembered: the next request tries again. The room that was made for it
      stays free.
    """

    def __init__(
        self,
        items: Mapping[str, Item],
        load: Callable[[str], T],
        release: Callable[[str], None],
        *,
        pinned: Iterable[str] = (),
        max_per_group: int | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._items = items
        self._load = load
        self._release = release
        self._pinned = frozenset(pinned)
        self._max_per_group = max_per_group
        self._max_bytes = max_bytes
        self._ready: OrderedDict[str, T] = OrderedDict()
        self._loading: dict[str, Future[T]] = {}
        self._lock = threading.Lock()
        _require_limits(max_per_group, max_bytes)

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the loaded items, the least recently used first."""
        with self._lock:
            return tuple(self._ready)

    def get(self, name: str) -> T:
        """The item `name`, loaded if it is not there; raises what its load raised."""
        with self._lock:
            if name in self._ready:
                self._ready.move_to_end(name)
                return self._ready[name]
            future = self._loading.get(name)
            mine = future is None
            if mine:
                future = self._loading[name] = Future()
                self._make_room(name)
        if mine:
            self._fill(name, future)
        return future.result()

    def has_room(self, name: str) -> bool:
        """Whether `name` is there or would fit without pushing another item out."""
        with self._lock:
            return name in self._ready or (self._fits_group(name) and self._fits_bytes(name))

    def clear(self) -> None:
        """Release everything, pinned or not."""
        with self._lock:
            for name in list(self._ready):
                self._drop(name)

    def _fill(self, name: str, future: "Future[T]") -> None:
        """Load an item and hand it, or its error, to everyone who waits."""
        try:
            value = self._load(name)
        except BaseException as error:
            with self._lock:
                del self._loading[name]
            future.set_exception(error)
            return
        with self._lock:
            del self._loading[name]
            self._ready[name] = value
            self._make_room(name)  # Others may have been in flight, out of reach, before.
        future.set_result(value)

    def _make_room(self, name: str) -> None:
        """Release the least recently used items until `name` fits or nothing is left to give."""
        # A full group is helped by its own items alone, a full memory by any.
        self._release_until(self._fits_group, name, self._mates(self._ready, name))
        self._release_until(self._fits_bytes, name, list(self._ready))

    def _release_until(
        self, fits: Callable[[str], bool], name: str, candidates: Iterable[str]
    ) -> None:
        """Release candidates that are not pinned, in order, until `name` fits."""
        for other in candidates:
            if fits(name):
                return
            if other != name and other not in self._pinned:
                self._drop(other)

    def _fits_group(self, name: str) -> bool:
        """Whether `name` and its mates that are loaded or loading keep within their number."""
        mates = self._mates({*self._ready, *self._loading, name}, name)
        return self._max_per_group is None or len(mates) <= self._max_per_group

    def _fits_bytes(self, name: str) -> bool:
        """Whether `name` and all that is loaded or loading keep within the bytes."""
        names = {*self._ready, *self._loading, name}
        total = sum(self._items[other].bytes for other in names)
        return self._max_bytes is None or total <= self._max_bytes

    def _mates(self, names: Iterable[str], name: str) -> list[str]:
        """Those of `names` that are in the group of `name`."""
        group = self._items[name].group
        return [other for other in names if self._items[other].group == group]

    def _drop(self, name: str) -> None:
        """Forget an item; its memory goes when its last user has finished."""
        del self._ready[name]
        self._release(name)


def _require_limits(max_per_group: int | None, max_bytes: int | None) -> None:
    """Refuse budgets that could hold nothing."""
    for name, limit in (
        ("max_resident_experts", max_per_group),
        ("max_resident_bytes", max_bytes),
    ):
        if limit is not None and (type(limit) is not int or limit < 1):
            raise InputError(
                f"{name} {limit!r} was given; expected a whole number of at least 1, or None for "
                "no limit"
            )
