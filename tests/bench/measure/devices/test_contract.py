"""What a device elsewhere needs: orders and lines pass through files, and nothing else does."""

from pathlib import Path

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.measure.devices import default_device, find_device
from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.start import Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Preset
from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError

ELSEWHERE = """
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.schema.results import decode_lines

PLACE = Path(os.environ["MVMOE_TEST_PLACE"])


class Elsewhere(HostDevice):
    name = "elsewhere"

    def is_this_machine(self):
        return False

    def identity(self):
        return {"cpu": "another", "cores_logical": 1, "load_average": None}

    def conditions(self):
        return None

    def load_average(self):
        return None

    def run(self, order, emit):
        number = len(list(PLACE.iterdir()))
        there = PLACE / str(number)
        there.mkdir()
        told = self.sent(order, there)
        (there / "order.json").write_bytes(msgspec.json.encode(told))
        with (there / "order.json").open("rb") as given, (there / "lines").open("wb") as lines:
            subprocess.run(
                [sys.executable, "-m", "mvmoe_bench.measure.worker"],
                stdin=given, stdout=lines, stderr=subprocess.DEVNULL, cwd=there, check=True,
            )
        for line in decode_lines((there / "lines").read_bytes()):
            emit(line)

    def sent(self, order, there):
        shutil.copy(order.images, there / "images.npy")
        subjects = []
        for number, subject in enumerate(order.subjects):
            name = f"subject-{number}"
            shutil.copytree(subject.root, there / name)
            subjects.append(msgspec.structs.replace(subject, root=name))
        return msgspec.structs.replace(
            order, images="images.npy", subjects=tuple(subjects), started_ns=time.monotonic_ns()
        )


PART = Elsewhere
"""


def test_the_devices_of_this_installation_are_found():
    assert {"android", "host", "ios", "jvm", "macos", "swift"} <= set(part_lookup.names("devices"))
    assert find_device("host").name == "host"
    with raises(
        InputError,
        "part.unknown",
        kind="devices",
        name="toaster",
        installed=["android", "host", "ios", "jvm", "macos", "swift"],
    ):
        find_device("toaster")


@pytest.mark.parametrize(("platform", "name"), [("linux", "host"), ("darwin", "macos")])
def test_the_default_device_is_the_one_that_says_it_is_this_machine(monkeypatch, platform, name):
    monkeypatch.setattr("sys.platform", platform)
    assert default_device() == name


def test_a_device_elsewhere_gets_orders_and_files_and_gives_the_same_lines(
    ask, plug_in, tmp_path, monkeypatch
):
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setenv("MVMOE_TEST_PLACE", str(place))
    plug_in("elsewhere", ELSEWHERE, "[mvmoe.parts]\ndevices.elsewhere = elsewhere\n")
    preset = Preset(
        name="small", repeats=2, queries=3, seconds=0.0, most_seconds=9.0, warmup=1, starts=1,
        stream=4, cooldown=0.0,
    )  # fmt: skip
    result = ask(device="elsewhere", preset=preset)
    assert [line for line in result.lines if isinstance(line, r.Failure)] == []
    assert result.run.device == "elsewhere" and result.run.identity["cpu"] == "another"
    kinds = {type(line) for line in result.lines}
    assert {Sample, Start, Memory, StreamSample, Answer, PlacementLine} <= kinds
    orders = [
        msgspec.json.decode((folder / "order.json").read_bytes(), type=MeasurementOrder)
        for folder in place.iterdir()
    ]
    assert {order.kind for order in orders} == {
        "answers", "placement", "latency", "start", "memory", "stream", "change",
    }  # fmt: skip
    for order in orders:
        assert not any(Path(subject.root).is_absolute() for subject in order.subjects)
