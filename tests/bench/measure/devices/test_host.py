"""The device of this machine: what counts as a start."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

import msgspec
import psutil
import pytest

from mvmoe_bench.measure import following
from mvmoe_bench.measure.jobs.start import Start
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder
from mvmoe_deploy.system.temporary import temporary_directory

SECONDS = 0.5

NOTHING = r.Preset(
    name="nothing", repeats=0, queries=1, seconds=0.0, most_seconds=1.0, warmup=0, starts=1,
    stream=0, cooldown=0.0,
)  # fmt: skip


def test_what_the_system_needs_to_start_a_process_is_a_part_of_its_start(ask, monkeypatch):
    """A start that takes half a second longer is told as half a second longer."""
    start = subprocess.Popen

    def slow(*arguments, **options):
        time.sleep(SECONDS)
        return start(*arguments, **options)

    monkeypatch.setattr(following.subprocess, "Popen", slow)
    (line,) = [line for line in ask(preset=NOTHING).lines if isinstance(line, Start)]
    assert line.process_ns >= SECONDS * 1e9


def test_the_current_directory_is_not_searched_for_modules(ask, tmp_path, monkeypatch):
    """Bundles are downloaded into folders where other files lie."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    assert [line for line in ask(preset=NOTHING).lines if isinstance(line, Start)]


STUCK = """
import os, threading
print(os.getpid(), file=open(os.environ["MVMOE_TEST_PID"], "w"), flush=True)
threading.Event().wait()
"""

FOLLOWS = """
import sys
import msgspec
from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_deploy.system.processes import interruptible
with interruptible():
    HostDevice().run(msgspec.json.decode(sys.argv[1], type=MeasurementOrder), print)
"""


@pytest.fixture
def follows(tmp_path):
    """A process that follows an order, and the process that measures, whose engine is stuck."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "stuck.py").write_text(STUCK)
    subject = SubjectOrder(
        key="a", kind="dispatcher", root="", target=None, engine_modules=("stuck",),
        requested=r.EngineChoice(engine="stuck"), threads=1, queries=(),
    )  # fmt: skip
    order = MeasurementOrder(
        job="x", kind="latency", repeat=0, preset=NOTHING, images="", subjects=(subject,)
    )
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWS, msgspec.json.encode(order).decode()],
        env=os.environ
        | {
            "TMPDIR": str(tmp_path / "tmp"),
            "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
            "MVMOE_TEST_PID": str(tmp_path / "pid"),
        },
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    worker = psutil.Process(int((tmp_path / "pid").read_text()))
    yield process, worker
    process.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.kill()
    process.communicate(timeout=60)


def wait_for_end(process):
    """Wait until a process has ended, whether anybody has noticed it or not."""
    deadline = time.monotonic() + 60
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "it goes on"
            time.sleep(0.02)


def test_a_killed_benchmark_takes_its_process_along_and_is_swept(follows, tmp_path, monkeypatch):
    process, worker = follows
    process.kill()
    process.wait(timeout=60)  # Its directory is locked until it has ended.
    wait_for_end(worker)
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with temporary_directory():
        pass
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_benchmark_takes_its_process_along_and_cleans_up(follows, tmp_path, number):
    process, worker = follows
    process.send_signal(number)
    process.wait(timeout=60)
    last = process.stderr.read().strip().splitlines()[-1]
    assert b"Interrupt" in last
    wait_for_end(worker)
    assert list((tmp_path / "tmp").iterdir()) == []
