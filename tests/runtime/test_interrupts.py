"""An exception at any line of a call leaves a dispatcher that answers, and that can be closed."""

import itertools
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from interruptions import OURS, every_line, in_time, interrupted
from PIL import Image

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.residency import Item, Residency
from mvmoe_deploy.runtime.tracing import TracingDispatcher


def test_a_call_that_loads_an_expert(single, assert_answers):
    """With room for one expert, so that each load evicts another."""
    image = single.images[:1]
    wanted = single.answers[:1]
    (route,) = single.routes[0][0]
    others = itertools.cycle([expert for expert in range(4) if expert != route])
    with TracingDispatcher.open(single.path, threads=1, max_resident_experts=1) as dispatcher:

        def check():
            assert_answers(in_time(lambda: dispatcher.run(image)["answer"]), wanted)
            in_time(lambda: dispatcher.trace(image, [(next(others),)]))
            assert len(dispatcher.resident) == 1
            assert not dispatcher._calls.running

        check()
        every_line(lambda: dispatcher.run(image)["answer"], check, least=100)
        in_time(dispatcher.close)


@pytest.mark.parametrize("name", ["predict", "run", "prewarm"])
def test_a_call_of_any_kind(batched, name, tmp_path, assert_answers):
    Image.fromarray(np.full((12, 10, 3), 90, np.uint8)).save(tmp_path / "picture.png")
    argument = {"predict": [tmp_path / "picture.png"], "run": [batched.images[:5]], "prewarm": []}
    with Dispatcher.open(batched.path, threads=1, max_resident_experts=2) as dispatcher:
        work = getattr(dispatcher, name)

        def check():
            answers = in_time(lambda: dispatcher.run(batched.images[:5])["answer"])
            assert_answers(answers, batched.answers[:5])
            in_time(lambda: work(*argument[name]))
            assert not dispatcher._calls.running

        check()
        every_line(lambda: work(*argument[name]), check, least=60)
        in_time(dispatcher.close)


def test_opening(single):
    def check():
        in_time(lambda: Dispatcher.open(single.path, threads=1).close())

    check()
    # What reads and checks a manifest holds nothing that an interruption could leave behind.
    open_ = partial(Dispatcher.open, single.path, threads=1, verify=False)
    every_line(open_, check, least=100, within=str(Path(OURS, "runtime")))


def test_closing(single):
    for line in itertools.count():
        dispatcher = Dispatcher.open(single.path, threads=1, verify=False)
        if not interrupted(line, dispatcher.close):
            break
        in_time(dispatcher.close)
        assert not any(slot.value for slot in dispatcher._graphs._residency._slots.values())
    assert line > 10


class Contended:
    """A cache whose load of `a` by this thread lasts until another thread waits for it."""

    def __init__(self, broken):
        self.broken = broken
        self.cache = Residency({"a": Item(1, 1), "b": Item(1, 1)}, self.load, max_per_group=1)
        self.started = threading.Event()
        self.found = []
        self.waiter = threading.Thread(target=self.wait, daemon=True)
        self.waiter.start()

    def load(self, name):
        self.started.set()
        while self.waiter is not threading.current_thread() and not self.is_waited_for():
            time.sleep(0.0001)
        if self.broken:
            raise EngineError("broken")
        return name.upper()

    def is_waited_for(self):
        frame = sys._current_frames().get(self.waiter.ident)
        return frame is not None and frame.f_code.co_name == "_fill"

    def wait(self):
        self.started.wait(30)
        self.found.append(self.ask())

    def ask(self):
        try:
            return self.cache.get("a")
        except EngineError as error:
            return str(error)


@pytest.mark.parametrize("broken", [False, True])
def test_a_load_that_another_thread_waits_for(broken):
    """The other thread gets the item, or the error of a load, whatever becomes of the first."""
    for line in itertools.count():
        contended = Contended(broken)
        raised = interrupted(line, contended.ask)
        contended.started.set()
        contended.waiter.join(30)
        assert contended.found == ["broken" if broken else "A"], "it hangs"
        if not raised:
            break
    assert line > 20
