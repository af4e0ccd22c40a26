"""Residency against a simple model of it, and under threads."""

import threading
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from expected_errors import raises
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mvmoe_deploy.errors import EngineError, InputError
from mvmoe_deploy.runtime.residency import Item, Residency

NAMES = "abcdefg"


class Loaded:
    """What a load gives."""

    def __init__(self, name):
        self.name = name


class Loader:
    """Loads, and knows what of it is still in memory."""

    def __init__(self):
        self.loads = []
        self.broken = set()
        self._given = {}

    def load(self, name):
        self.loads.append(name)
        if name in self.broken:
            raise EngineError(f"{name} is broken", graph=name)
        assert name not in self.alive, "loaded twice"
        loaded = Loaded(name)
        self._given[name] = weakref.ref(loaded)
        return loaded

    @property
    def alive(self):
        return {name for name, given in list(self._given.items()) if given() is not None}


class Machine(RuleBasedStateMachine):
    """Single-threaded residency beside a list in order of last use."""

    @initialize(
        groups=st.lists(st.integers(1, 2), min_size=7, max_size=7),
        sizes=st.lists(st.integers(0, 5), min_size=7, max_size=7),
        pinned=st.sets(st.sampled_from(NAMES), max_size=3),
        most=st.none() | st.integers(1, 3),
        room=st.none() | st.integers(1, 12),
    )
    def start(self, groups, sizes, pinned, most, room):
        facts = zip(NAMES, groups, sizes, strict=True)
        self.items = {name: Item(group, size) for name, group, size in facts}
        self.pinned, self.most, self.room = pinned, most, room
        self.loader = Loader()
        self.used = []
        self.residency = Residency(
            self.items,
            self.loader.load,
            pinned=pinned,
            max_per_group=most,
            max_bytes=room,
        )

    def crowded(self, names, name):
        mates = [other for other in names if self.items[other].group == self.items[name].group]
        return self.most is not None and len(mates) > self.most

    def heavy(self, names):
        return self.room is not None and sum(self.items[n].bytes for n in names) > self.room

    def evict(self, name):
        for other in list(self.used):
            mates = self.items[other].group == self.items[name].group
            if mates and other not in self.pinned and self.crowded([*self.used, name], name):
                self.used.remove(other)
        for other in list(self.used):
            if other not in self.pinned and self.heavy([*self.used, name]):
                self.used.remove(other)

    @rule(name=st.sampled_from(NAMES))
    def get(self, name):
        cold = name not in self.used
        before = len(self.loader.loads)
        if cold:
            self.evict(name)
        else:
            self.used.remove(name)
        if cold and name in self.loader.broken:
            with raises(EngineError, "engine.failed", graph=name):
                self.residency.get(name)
        else:
            assert self.residency.get(name).name == name
            self.used.append(name)
        assert self.loader.loads[before:] == ([name] if cold else [])

    @rule(name=st.sampled_from(NAMES))
    def has_room(self, name):
        names = {*self.used, name}
        fits = name in self.used or not (self.crowded(names, name) or self.heavy(names))
        assert self.residency.has_room(name) == fits

    @rule(name=st.sampled_from(NAMES))
    def break_or_repair(self, name):
        self.loader.broken ^= {name}

    @precondition(lambda self: self.used)
    @rule()
    def clear(self):
        self.residency.clear()
        self.used = []

    @invariant()
    def same_as_the_model(self):
        if hasattr(self, "used"):
            assert list(self.residency.resident) == self.used
            assert self.loader.alive == set(self.used)


TestAgainstModel = Machine.TestCase
TestAgainstModel.settings = settings(max_examples=60, stateful_step_count=30)


def residency(load, size=1, **options):
    return Residency({name: Item(1, size) for name in NAMES}, load, **options)


def test_a_full_group_does_not_release_items_of_another_group():
    items = {"a": Item(1, 10), "b": Item(2, 10), "c": Item(2, 10)}
    cache = Residency(items, str.upper, max_per_group=1, max_bytes=1000)
    for name in "abc":
        cache.get(name)
    assert cache.resident == ("a", "c")


@pytest.mark.parametrize("limit", ["max_per_group", "max_bytes"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_budget_that_could_hold_nothing_is_refused(limit, value):
    with raises(InputError, "input.invalid", given=value):
        residency(str.upper, **{limit: value})


class Gate:
    """A load that waits until the test lets it go on."""

    def __init__(self):
        self.started = threading.Event()
        self.go = threading.Event()
        self.loads = []
        self.error = None

    def load(self, name):
        self.loads.append(name)
        self.started.set()
        assert self.go.wait(30)
        if self.error:
            raise self.error
        return name.upper()


def wait_until_all_ask(cache, pool, count, name):
    """Futures of `count` threads that ask for one item whose load is held back."""
    asked = threading.Barrier(count + 1)

    def ask():
        asked.wait(30)
        return cache.get(name)

    futures = [pool.submit(ask) for _ in range(count)]
    asked.wait(30)
    return futures


def test_threads_that_ask_for_one_cold_item_load_it_once():
    gate = Gate()
    cache = residency(gate.load)
    with ThreadPoolExecutor(8) as pool:
        futures = wait_until_all_ask(cache, pool, 8, "a")
        assert gate.started.wait(30)
        gate.go.set()
        assert [future.result(30) for future in futures] == ["A"] * 8
    assert gate.loads == ["a"]


def test_all_who_wait_get_the_error_of_a_failed_load_and_may_try_again():
    gate = Gate()
    gate.error = EngineError("broken", graph="a")
    cache = residency(gate.load)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get, "a")
        assert gate.started.wait(30)
        others = wait_until_all_ask(cache, pool, 3, "a")
        gate.go.set()
        for future in [first, *others]:
            with raises(EngineError, "engine.failed", graph="a"):
                future.result(30)
    assert cache.resident == ()
    gate.error = None
    assert cache.get("a") == "A"


class CountedLock:
    """A lock that counts who has come to it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._came = threading.Semaphore(0)
        self.locked = self._lock.locked

    def __enter__(self):
        self._came.release()
        self._lock.acquire()

    def __exit__(self, *error):
        self._lock.release()

    def wait_for(self, count):
        for _ in range(count):
            assert self._came.acquire(timeout=30)


def test_those_who_waited_for_a_failed_load_do_not_load_again():
    gate = Gate()
    gate.error = EngineError("broken", graph="a")
    cache = residency(gate.load)
    lock = cache._slots["a"].loading = CountedLock()
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(cache.get, "a") for _ in range(4)]
        lock.wait_for(4)
        gate.go.set()
        for future in futures:
            with raises(EngineError, "engine.failed", graph="a"):
                future.result(30)
    assert gate.loads == ["a"]


def test_a_request_waits_for_its_own_item_only():
    gate = Gate()
    cache = residency(lambda name: gate.load(name) if name == "a" else name.upper())
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "a")
        assert gate.started.wait(30)
        assert cache.get("b") == "B"
        assert cache.resident == ("b",)
        gate.go.set()
        assert slow.result(30) == "A"


def test_an_item_that_is_being_loaded_counts():
    gate = Gate()
    cache = residency(
        lambda name: gate.load(name) if name == "a" else name.upper(), max_per_group=2
    )
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "a")
        assert gate.started.wait(30)
        cache.get("b")
        assert not cache.has_room("c")
        cache.get("c")
        assert cache.resident == ("c",)
        gate.go.set()
        slow.result(30)
    assert cache.resident == ("c", "a")


@pytest.mark.parametrize("limit", [{"max_per_group": 2}, {"max_bytes": 2}])
def test_the_budget_holds_again_after_many_loaded_at_once(limit):
    gate = Gate()
    cache = residency(gate.load, **limit)
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(cache.get, name) for name in "abcdef"]
        while len(gate.loads) < 6:
            gate.started.wait(0.01)
        gate.go.set()
        assert [future.result(30) for future in futures] == list("ABCDEF")
    assert len(cache.resident) == 2


def test_hammered_residency_stays_whole():
    loaded, evicted = [], []

    def load(name):
        loaded.append(name)
        thing = Loaded(name)
        weakref.finalize(thing, evicted.append, name)
        return thing

    cache = residency(load, max_per_group=3, pinned=["a"])

    def use(seed):
        for step in range(300):
            name = NAMES[(seed * 31 + step * step * 7) % len(NAMES)]
            assert cache.get(name).name == name

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert Counter(loaded) == Counter([*evicted, *cache.resident])
    assert len(cache.resident) <= 3 and loaded.count("a") == 1
    cache.clear()
    assert Counter(loaded) == Counter(evicted)


@pytest.mark.parametrize("limit", ["2", 1.5, True])
def test_limits_are_whole_numbers(limit):
    with raises(InputError, "input.invalid", name="max_resident_experts", given=limit):
        Residency({}, load=str, max_per_group=limit)
