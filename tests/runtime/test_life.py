"""How the life of a dispatcher ends: exit, close from anywhere, fork, copies, limits."""

import contextlib
import copy
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.errors import (
    InputError,
    PartialResultError,
    ProcessBoundError,
    ResourceLimitError,
)
from mvmoe_deploy.runtime import calls


def program(source, *arguments, seconds=60):
    """Run a program; gives its exit code, its output and what it said on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", source, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


HEAD = """
import os, sys, threading, time
import numpy as np
from mvmoe_deploy import Dispatcher
from mvmoe_deploy.runtime.tracing import TracingDispatcher
PIXELS = np.full((9, 9, 3), 100, np.uint8)
"""

FORGOTTEN = {
    "prewarming": """
dispatcher = Dispatcher.open(sys.argv[1], prewarm=True)
dispatcher.predict(PIXELS)
""",
    "a daemon thread that predicts": """
dispatcher = Dispatcher.open(sys.argv[1])
def work():
    while True:
        dispatcher.predict(PIXELS)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
""",
    "daemon threads that load": """
dispatcher = TracingDispatcher.open(sys.argv[1], max_resident_experts=1)
image = np.zeros((1, 3, 8, 8), np.float32)
def work(expert):
    while True:
        dispatcher.trace(image, [(expert,)])
for expert in range(4):
    threading.Thread(target=work, args=[expert], daemon=True).start()
time.sleep(0.05)
""",
    "a daemon thread that opens": """
def work():
    while True:
        Dispatcher.open(sys.argv[1], verify=False)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""",
    "an exception": """
dispatcher = Dispatcher.open(sys.argv[1], prewarm=True)
raise SystemExit(0)
""",
    "a function registered before": """
import atexit
atexit.register(lambda: dispatcher.predict(PIXELS))
dispatcher = Dispatcher.open(sys.argv[1], prewarm=True)
""",
}


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_a_program_that_does_not_close_ends_cleanly(single, forgotten):
    # Long before the time after which the end of the process stops waiting.
    assert program(HEAD + FORGOTTEN[forgotten], single.path, seconds=25) == (0, "", "")


def test_a_signal_handler_may_close(single):
    """It interrupts a call of its own thread: the graphs go when that call has ended."""
    dispatcher = Dispatcher.open(single.path, threads=1)
    closed = []

    def close(number, frame):
        dispatcher.close()
        closed.append(dispatcher.resident)

    before = signal.signal(signal.SIGALRM, close)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(InputError, check=lambda error: error.code == "dispatcher.closed"):
            while True:
                dispatcher.run(single.images)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(closed) == 1
    assert dispatcher.resident == () and not dispatcher._calls.running


def test_a_handler_that_closes_does_not_spoil_the_call_that_it_interrupts(
    single, watched, assert_answers
):
    dispatcher, runner = watched(single)
    runner.before_load = lambda name: dispatcher.close()
    assert_answers(dispatcher.run(single.images)["answer"], single.answers)
    assert runner.alive() == set()


def test_closing_while_prewarming_begins(single):
    """In one thread `prewarm(wait=False)`, in another `close`, at all distances in time."""
    refused = []

    def prewarm(dispatcher, begin):
        begin.wait(30)
        try:
            dispatcher.prewarm(wait=False)
        except InputError as error:
            refused.append(error)

    for distance in range(60):
        dispatcher = Dispatcher.open(single.path, threads=1, verify=False)
        begin = threading.Barrier(2)
        thread = threading.Thread(target=prewarm, args=[dispatcher, begin])
        thread.start()
        begin.wait(30)
        time.sleep(distance * 2e-5)
        dispatcher.close()
        thread.join(30)
        if dispatcher._prewarming is not None:
            dispatcher._prewarming.join(30)
        assert dispatcher.resident == ()
    assert len(refused) < 60


def test_two_threads_may_begin_prewarming(single, monkeypatch):
    """Each has made its thread when either begins."""
    made = threading.Barrier(2, timeout=30)

    @contextlib.contextmanager
    def when_both_are_made(what):
        made.wait()
        yield

    with Dispatcher.open(single.path, threads=1) as dispatcher:
        monkeypatch.setattr("mvmoe_deploy.runtime.dispatcher.resource_limits", when_both_are_made)
        with ThreadPoolExecutor(2) as pool:
            for begun in [pool.submit(dispatcher.prewarm, wait=False) for _ in range(2)]:
                begun.result(30)


def test_the_exit_waits_so_long_for_all_dispatchers_together(monkeypatch):
    now, waited = [100.0], []

    class Busy:
        """A dispatcher's calls that do not end."""

        def close(self, seconds):
            waited.append(seconds)
            now[0] += min(seconds, 20)

    monkeypatch.setattr(calls, "monotonic", lambda: now[0])
    several = [Busy() for _ in range(3)]
    process = calls._DispatcherProcess()
    for each in several:
        process.register(each)
    process.end()
    assert waited == [30, 10, 0]


def test_many_threads_may_close(single):
    dispatcher = Dispatcher.open(single.path, threads=1)
    threads = [threading.Thread(target=dispatcher.close, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


# Other processes.

FORK = """
dispatcher = Dispatcher.open(sys.argv[1], threads=2)
image = np.zeros((1, 3, 8, 8), np.float32)
def load():
    while True:
        with Dispatcher.open(sys.argv[1], threads=2, verify=False) as other:
            other.run(image)
for _ in range(2):
    threading.Thread(target=load, daemon=True).start()
for turn in range(15):
    time.sleep(0.01 + 0.001 * turn)
    child = os.fork()
    if not child:
        for call in (lambda: dispatcher.run(image), lambda: dispatcher.predict(PIXELS),
                     dispatcher.prewarm, dispatcher.__enter__):
            try:
                call()
                sys.exit("answered")
            except Exception as error:
                if type(error).__name__ != "ProcessBoundError":
                    sys.exit(repr(error))
        dispatcher.close()
        with Dispatcher.open(sys.argv[1], threads=2) as own:
            assert own.run(image)["answer"].shape == (1, 5)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
dispatcher.run(image)
"""


def test_a_forked_child_is_told_what_to_do_and_may_open_the_bundle_itself(single):
    assert program(HEAD + FORK, single.path) == (0, "", "")


def test_a_fork_waits_until_no_thread_is_inside_an_engine(single, watched, assert_answers):
    """The child would find the engine's locks as they are at that moment, for ever."""
    dispatcher, runner = watched(single)
    loading, go, forked = threading.Event(), threading.Event(), threading.Event()

    def hold(name):
        loading.set()
        assert go.wait(30)

    def fork():
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        forked.set()

    runner.before_load = hold
    with ThreadPoolExecutor(3) as pool:
        inside = pool.submit(dispatcher.run, single.images)
        assert loading.wait(30)
        forking = pool.submit(fork)
        assert not forked.wait(0.2)
        later = pool.submit(dispatcher.run, single.images)
        go.set()
        forking.result(30)
        for call in (inside, later):
            assert_answers(call.result(30)["answer"], single.answers)


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_dispatcher_cannot_be_copied_or_sent(single, send):
    with (
        Dispatcher.open(single.path) as dispatcher,
        pytest.raises(
            ProcessBoundError, check=lambda error: error.code == "dispatcher.wrong-process"
        ),
    ):
        send(dispatcher)


def test_what_a_dispatcher_answers_can_be_sent(single):
    with Dispatcher.open(single.path) as dispatcher:
        prediction = dispatcher.predict(np.full((9, 9, 3), 100, np.uint8))
    assert pickle.loads(pickle.dumps(prediction)).route == prediction.route


# Limits.


@pytest.fixture
def no_more_files():
    """A function after which this process can open no file."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []

    def take_all():
        used = len(list(Path("/proc/self/fd").iterdir()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, limits[1]))
        try:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return

    yield take_all
    for number in held:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


OPEN_FILES = r"no further file can be opened \(the limit is \d+ open files\); close dispatchers"


def test_an_expert_for_which_no_file_can_be_opened(single, no_more_files, assert_answers):
    image = single.images[:1]
    with Dispatcher.open(single.path) as dispatcher:
        no_more_files()
        with raises(PartialResultError, "engine.partial-result", images=[0]) as caught:
            dispatcher.run(image)
    assert caught.value.failed[0].code == "limit.files"
    assert re.search(OPEN_FILES, str(caught.value))
    assert "export" not in str(caught.value)


def test_an_image_for_which_no_file_can_be_opened(single, no_more_files, tmp_path):
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "picture.png")
    with Dispatcher.open(single.path) as dispatcher:
        dispatcher.prewarm()
        no_more_files()
        with raises(ResourceLimitError, "limit.files"):
            dispatcher.predict(tmp_path / "picture.png")


def test_an_image_for_which_there_is_no_memory_is_not_called_damaged(single, monkeypatch):
    monkeypatch.setattr(Image.Image, "convert", raise_memory_error)
    with (
        Dispatcher.open(single.path) as dispatcher,
        pytest.raises(ResourceLimitError, check=lambda error: error.code == "limit.memory"),
    ):
        dispatcher.predict(Image.fromarray(np.zeros((9, 9), np.uint8)))


def raise_memory_error(*_, **__):
    raise MemoryError


def test_a_bundle_for_which_no_file_can_be_opened(single, no_more_files):
    no_more_files()
    with raises(ResourceLimitError, "limit.files") as caught:
        Dispatcher.open(single.path)
    assert re.search(OPEN_FILES, str(caught.value))
    assert "export" not in str(caught.value)


TOO_LITTLE_MEMORY = """
import re, resource
Dispatcher.open(sys.argv[1]).close()
used = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
names = set()
for room in (2**18, 2**20, 2**22, 2**23):
    resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
    held = []
    try:
        for _ in range(400):
            held.append(Dispatcher.open(sys.argv[1], threads=1))
            held[-1].prewarm()
    except Exception as error:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        names.add((type(error).__name__, "memory ran out" in str(error)))
    held = None
print(names)
"""


def test_memory_that_runs_out_is_said(single):
    code, said, _ = program(HEAD + TOO_LITTLE_MEMORY, single.path)
    assert (code, said) == (0, "{('ResourceLimitError', True)}\n")
