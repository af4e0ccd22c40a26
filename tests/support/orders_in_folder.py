"""An order in a folder, as an app follows it that nobody holds a pipe to.

A test module has a class for its language, which inherits these tests.
"""

import json
import time
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Preset
from mvmoe_bench.measure.schema.results import decode_lines

BUNDLE = Path(__file__).parents[1] / "conformance/answers/bundles/dispatch"
PRESET = Preset(
    name="short", repeats=1, queries=6, seconds=0.0, most_seconds=10.0, warmup=1, starts=1,
    stream=0, cooldown=0.0,
)  # fmt: skip


def state(folder):
    return json.loads((folder / "state.json").read_text())


def wait_for(is_so):
    """Wait until something is so; pytest's own limit of time ends it otherwise."""
    while not is_so():
        time.sleep(0.05)


class OrdersInFolder:
    """What a runner leaves in a folder."""

    runner: ModuleType
    """Builds and starts the program: kotlin_runner, swift_runner."""

    @pytest.fixture
    def order(self, tmp_path):
        """Writes an order of one subject, whose images are in this file."""
        self.runner.build()

        def write(images):
            subject = SubjectOrder(
                key="dispatcher onnx", kind="dispatcher", root=str(BUNDLE), target="onnx",
                requested=EngineChoice(engine="ONNX Runtime"), threads=1,
                queries=tuple(Query(image=image) for image in range(6)),
            )  # fmt: skip
            given = MeasurementOrder(
                job="latency:0", kind="latency", repeat=0, preset=PRESET, images=str(images),
                subjects=(subject,),
            )  # fmt: skip
            path = tmp_path / "order.json"
            path.write_bytes(msgspec.json.encode(given))
            return path

        return write

    def test_an_order_leaves_its_lines_and_its_state(self, order, tmp_path):
        images, folder = tmp_path / "images.npy", tmp_path / "folder"
        np.save(images, np.random.default_rng(0).random((6, 3, 8, 8), np.float32))
        self.runner.run("order-file", str(order(images)), "--folder", str(folder))
        opened, *samples, timed = decode_lines((folder / "lines.jsonl").read_bytes())
        assert isinstance(opened, Opened) and isinstance(timed, TimedRun)
        assert [sample.image for sample in samples] == list(range(6))
        assert all(isinstance(sample, Sample) and sample.is_plausible() for sample in samples)
        told = state(folder)
        assert told.pop("beat") > 0
        assert told == {"state": "done", "subject": None, "message": None, "code": None}

    def test_files_that_the_app_cannot_read_have_a_code(self, order, tmp_path):
        folder = tmp_path / "folder"
        ended = self.runner.ended(
            "order-file", str(order(tmp_path / "elsewhere.npy")), "--folder", str(folder)
        )
        assert ended.returncode == 1
        told = state(folder)
        assert (told["state"], told["code"]) == ("failed", "bench.unreadable")
        assert "elsewhere.npy cannot be read" in told["message"]

    def test_it_describes_itself_in_a_folder_as_on_its_output(self, tmp_path):
        self.runner.build()
        self.runner.run("describe", "--folder", str(tmp_path))
        (said,) = self.runner.run("describe")
        told = json.loads((tmp_path / "describe.json").read_text())
        assert told == said
        (usual, *_) = told["variants"]["onnx"]
        assert usual["requested"] == told["engines"]["onnx"]

    def test_a_killed_process_leaves_who_was_at_work(self, order, tmp_path):
        images, folder = tmp_path / "images.npy", tmp_path / "folder"
        np.save(images, np.zeros((6, 3, 8, 8), np.float32))
        path = order(images)
        with self.runner.popen("order-file", str(path), "--folder", str(folder)) as process:
            wait_for(
                lambda: (folder / "status").exists() and (folder / "status").read_bytes() == b"\1"
            )
            process.kill()
        assert state(folder)["state"] == "running"
        assert (folder / "status").read_bytes() == b"\1"
