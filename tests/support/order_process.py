"""A process that follows one order, and what ends it before.

A test module has a class for its language, which inherits these tests.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
from orders_in_folder import BUNDLE, wait_for

from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Preset
from mvmoe_bench.measure.schema.results import decode_lines

MINUTES = Preset(
    name="long", repeats=1, queries=6, seconds=600.0, most_seconds=600.0, warmup=1, starts=1,
    stream=0, cooldown=0.0,
)  # fmt: skip


class OrderProcess:
    """An order of ten minutes in a process of its own."""

    runner: ModuleType
    """Builds and starts the program: kotlin_runner, swift_runner."""

    @pytest.fixture
    def order(self, tmp_path):
        """The order's text; the number of the subject at work is in the file `status`."""
        self.runner.build()
        images = tmp_path / "images.npy"
        np.save(images, np.zeros((6, 3, 8, 8), np.float32))
        (tmp_path / "status").write_bytes(b"\0")
        subject = SubjectOrder(
            key="dispatcher onnx", kind="dispatcher", root=str(BUNDLE), target="onnx",
            requested=EngineChoice(engine="ONNX Runtime"), threads=1,
            queries=tuple(Query(image=image) for image in range(6)),
        )  # fmt: skip
        return msgspec.json.encode(
            MeasurementOrder(
                job="latency:0", kind="latency", repeat=0, preset=MINUTES, images=str(images),
                subjects=(subject,), status=str(tmp_path / "status"),
                started_ns=time.monotonic_ns(),
            )
        )  # fmt: skip

    @pytest.fixture
    def start(self, order, tmp_path):
        """Starts the process, whose lifeline is the end of a pipe."""
        started = []

        def start(out, lifeline):
            words = ("order", "--lifeline", str(lifeline))
            process = self.runner.popen(
                *words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE,
                pass_fds=(lifeline,), start_new_session=True,
            )  # fmt: skip
            started.append(process)
            process.stdin.write(order)
            process.stdin.close()
            return process

        yield start
        for process in started:
            process.kill()
            process.wait()

    @pytest.fixture
    def lifeline(self):
        """The two ends of a pipe: the process's, and ours."""
        theirs, ours = os.pipe()
        yield theirs, ours
        os.close(theirs)
        os.close(ours)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_leaves_what_it_has_measured(self, start, lifeline, tmp_path, number):
        with (tmp_path / "lines").open("wb") as out:
            process = start(out, lifeline[0])
            wait_for(lambda: (tmp_path / "lines").stat().st_size > 0)
            process.send_signal(number)
            process.wait(20)
        # A JVM tells the two apart.
        assert process.returncode in (130, 128 + number)
        opened, *samples = decode_lines((tmp_path / "lines").read_bytes())
        assert isinstance(opened, Opened)
        assert samples
        assert all(isinstance(sample, Sample) and sample.is_plausible() for sample in samples)
        assert (tmp_path / "status").read_bytes() == b"\1"

    def test_it_ends_with_whoever_started_it(self, start, lifeline, tmp_path):
        theirs, ours = lifeline
        with (tmp_path / "lines").open("wb") as out:
            process = start(out, theirs)
            wait_for(lambda: (tmp_path / "status").read_bytes() == b"\1")
            # The only end that is not the process's own.
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, ours)
            os.close(nothing)
            assert process.wait(20) == 130

    def test_an_output_without_room_ends_it(self, start, lifeline):
        with Path("/dev/full").open("wb") as out:
            process = start(out, lifeline[0])
            assert process.wait(60) == 1
        assert b"No space left on device" in process.stderr.read()
