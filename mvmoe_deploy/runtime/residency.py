"""Which graphs are in memory: pinned ones, then the most recently used within a budget.

Knows names, sizes and groups; what a graph is and how it is loaded is the caller's.
"""

import copy
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import get_ident
from typing import Generic, TypeVar

from mvmoe_deploy.errors import EngineError, InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """What residency knows of a graph."""

    group: int
    """Items of one group share `max_per_group`: the routes of one stage."""
    bytes: int


class ItemSlot(Generic[T]):
    """The place of one item, whether it is in memory or not.

    An item is being loaded exactly while its `loading` is locked: nothing else says so, and
    nothing else has to be undone when a load is interrupted.

    Who looks here often need not ask `Residency.get`: a `value` that is not None is the item, and
    `last_use` has to become the next number of `Residency.uses`.
    """

    def __init__(self, name: str, item: Item, pinned: bool) -> None:
        self.name = name
        self.item = item
        self.pinned = pinned
        self.value: T | None = None
        self.last_use = 0
        self.loading = threading.Lock()
        self.loader = 0
        """The thread that loads it, or was the last to."""
        self.failures = 0
        self.failure: EngineError | None = None
        """What the last failed load raised."""

    @property
    def counts(self) -> bool:
        """Whether it takes room: loaded, or being loaded."""
        return self.value is not None or self.loading.locked()


class Residency(Generic[T]):
    """A cache of loaded things with pins, a count per group and a budget of bytes.

    Invariants:

    - Two threads that ask for the same cold item load it once; both get it or its EngineError.
      If a load ends in another way (Ctrl-C), the next thread that waits for the item loads it.
    - A request waits only for the load of its own item.
    - Room is made before a load, so that a budget holds while loading too. Items that are being
      loaded count. If everything else is pinned or being loaded, the item loads over budget rather
      than fail; what is over budget is evicted once the last of those loads has ended.
    - An item in memory is returned without taking a lock. An evicted one is freed as soon as its
      last user has finished, while no lock is held but that of the item which is being loaded.
    - A failed load is not cached: the next request tries again. What was evicted for it stays
      evicted.
    - An exception at any line, Ctrl-C for one, never blocks a later request.

    `evicted` is called after items were evicted.
    """

    def __init__(
        self,
        items: Mapping[str, Item],
        load: Callable[[str], T],
        *,
        evicted: Callable[[], None] = lambda: None,
        pinned: Iterable[str] = (),
        max_per_group: int | None = None,
        max_bytes: int | None = None,
    ) -> None:
        kept = frozenset(pinned)
        self._slots: dict[str, ItemSlot[T]] = {
            name: ItemSlot(name, item, name in kept) for name, item in items.items()
        }
        self._load = load
        self._evicted = evicted
        self._max_per_group = max_per_group
        self._max_bytes = max_bytes
        self.uses = itertools.count(1)
        """The numbers by which uses are ordered."""
        self._evicting = threading.RLock()
        _require_limits(max_per_group, max_bytes)

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the loaded items, the least recently used first."""
        return tuple(slot.name for slot in self._loaded())

    def get(self, name: str) -> T:
        """The item `name`, loaded if it is not there; raises what its load raised."""
        slot = self._slots[name]
        value = slot.value
        if value is None:
            value = self._fill(slot)
        slot.last_use = next(self.uses)
        return value

    def slot(self, name: str) -> ItemSlot[T]:
        """The place of an item, which stays the same."""
        return self._slots[name]

    def has_room(self, name: str) -> bool:
        """Whether `name` is there or would fit without evicting another item."""
        slot = self._slots[name]
        return slot.value is not None or (self._fits_group(slot) and self._fits_bytes(slot))

    def clear(self) -> None:
        """Evict everything, pinned or not."""
        for slot in self._slots.values():
            slot.value = None
        self._evicted()

    def _fill(self, slot: ItemSlot[T]) -> T:
        """Load an item, or wait until another thread has."""
        if slot.loader == get_ident() and slot.loading.locked():
            # A signal handler that has interrupted this very load cannot wait for it.
            return self._load(slot.name)
        failures = slot.failures
        # One line, here and below: at a line of its own, leaving the block could be interrupted
        # (by a trace function, say) before the lock is released.
        with slot.loading: return self._load_or_share(slot, failures)  # fmt: skip  # noqa: E701

    def _load_or_share(self, slot: ItemSlot[T], failures: int) -> T:
        """Load an item unless that was done, or has failed, while this thread waited."""
        value = slot.value
        if value is not None:
            return value
        if slot.failure is not None and slot.failures != failures:
            raise copy.copy(slot.failure)
        slot.loader = get_ident()
        self._make_room(slot)
        try:
            value = self._load(slot.name)
        except EngineError as error:
            # A copy: the raised exception collects the frames of every thread that raises it.
            slot.failure = copy.copy(error)
            slot.failures += 1
            raise
        slot.failure = None
        slot.last_use = next(self.uses)
        slot.value = value
        self._make_room(slot)  # Items that were being loaded before could not be evicted.
        return value

    def _make_room(self, slot: ItemSlot[T]) -> None:
        """Evict the least recently used items until an item fits or nothing is left to evict."""
        victims: list[T]
        with self._evicting: victims = self._choose_victims(slot)  # fmt: skip  # noqa: E701
        if victims:
            victims.clear()
            self._evicted()

    def _choose_victims(self, slot: ItemSlot[T]) -> list[T]:
        """Remove the items that have to be evicted; the caller frees them, outside of the lock."""
        victims: list[T] = []
        # A full group needs one of its own items evicted; a full memory may lose any item.
        for fits, candidates in (
            (self._fits_group, [other for other in self._loaded() if _same_group(other, slot)]),
            (self._fits_bytes, self._loaded()),
        ):
            for other in candidates:
                if fits(slot):
                    break
                if other is not slot and not other.pinned and other.value is not None:
                    victims.append(other.value)
                    other.value = None
        return victims

    def _loaded(self) -> list[ItemSlot[T]]:
        """The slots of loaded items, the least recently used first."""
        loaded = [slot for slot in self._slots.values() if slot.value is not None]
        return sorted(loaded, key=lambda slot: slot.last_use)

    def _fits_group(self, slot: ItemSlot[T]) -> bool:
        """Whether an item and those of its group that are there keep within their number."""
        if self._max_per_group is None:
            return True
        others = (other for other in self._others(slot) if _same_group(other, slot))
        return 1 + sum(1 for _ in others) <= self._max_per_group

    def _fits_bytes(self, slot: ItemSlot[T]) -> bool:
        """Whether an item and all that is there keep within the bytes."""
        if self._max_bytes is None:
            return True
        total = slot.item.bytes + sum(other.item.bytes for other in self._others(slot))
        return total <= self._max_bytes

    def _others(self, slot: ItemSlot[T]) -> list[ItemSlot[T]]:
        """The slots of other items that take room."""
        return [other for other in self._slots.values() if other is not slot and other.counts]


def _same_group(one: ItemSlot[T], other: ItemSlot[T]) -> bool:
    return one.item.group == other.item.group


def _require_limits(max_per_group: int | None, max_bytes: int | None) -> None:
    """Refuse budgets that could hold nothing."""
    for name, limit in (
        ("max_resident_experts", max_per_group),
        ("max_resident_bytes", max_bytes),
    ):
        if limit is not None and (type(limit) is not int or limit < 1):
            raise InputError(
                f"{name} {limit!r} was given; expected a whole number of at least 1, or None for "
                "no limit",
                name=name,
                given=limit if isinstance(limit, int | float | str) else repr(limit),
                expected=1,
            )
