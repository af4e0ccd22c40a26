"""Runs of a benchmark on a phone of a test, for every kind of phone."""

import pytest

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.change import ChangeSample
from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.paced import PacedSample
from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.planning.running import Request, run_bench
from mvmoe_bench.measure.schema import records as r
from mvmoe_deploy.errors import EngineError

# Every job once.
SHORT = r.Preset(
    name="short", repeats=1, queries=4, seconds=0.0, most_seconds=10.0, warmup=1, starts=1,
    stream=8, cooldown=0.0, sustained=1.0, paced=0.2,
)  # fmt: skip
LATENCY = r.Preset(
    name="latency", repeats=2, queries=4, seconds=0.0, most_seconds=10.0, warmup=1, starts=0,
    stream=0, cooldown=0.0,
)  # fmt: skip
# The lines of a short run on every phone.
KINDS = {
    Answer, Opened, Sample, Start, GraphLoad, Memory, StreamSample, ChangeSample, PacedSample,
    SustainedSample, TimedRun,
}  # fmt: skip


def asking(device, tiny, tmp_path):
    """What runs a benchmark of the tiny bundle on the phone; fields of `Request` override."""

    def run(progress=lambda *_: None, **fields):
        given = {
            "bundles": (tiny / "tiny.mvmoe",),
            "output": tmp_path / "results.jsonl",
            "preset": SHORT,
            "device": device,
            "targets": ("onnx",),
            "images": "digits",
        } | fields
        return run_bench(Request(**given), progress)

    return run


def of_kind(lines, kind):
    return [line for line in lines if isinstance(line, kind)]


def ran(device, order):
    """The lines of an order."""
    lines = []
    device.run(order, lines.append)
    return lines


def caught(device, order):
    """What was emitted, and the error."""
    lines = []
    with pytest.raises(EngineError) as error:
        device.run(order, lines.append)
    return lines, error.value
