"""Lines of placements: what engines say of their own, on this device or another's."""

import io
from types import SimpleNamespace

import msgspec
import numpy as np

from mvmoe_bench.measure.jobs import placement
from mvmoe_bench.measure.jobs.order_process import Process, run_job
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Failure, Preset
from mvmoe_bench.measure.schema.results import decode_lines
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.contract import GraphPlacement
from mvmoe_deploy.runtime.runners.coreml.runner import CoreMLRunner
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner


class Session:
    """Keeps what a job emits."""

    def __init__(self, root, options):
        subject = SubjectOrder(
            key="dispatcher",
            kind="dispatcher",
            root=str(root),
            target="onnx",
            engine_options=options,
            requested=EngineChoice(engine="e"),
            threads=1,
            queries=(),
        )
        self.order = SimpleNamespace(job="placement", subjects=(subject,))
        self.lines = []
        self.emit = self.lines.append

    def attempt(self, subject, work, *, is_decisive):
        assert not is_decisive
        work()

    def flush(self):
        pass


def test_onnx_runtime_tells_of_one_graph_a_stage(tiny):
    session = Session(tiny / "tiny.mvmoe", {"provider": "CPU"})
    placement.PART.run(session)
    assert [line.graph for line in session.lines] == ["stem", "step1_e0"]
    assert all(set(line.by_unit) == {"CPU"} and not line.outside for line in session.lines)
    assert all(line.by_unit["CPU"] > 5 for line in session.lines)


def test_core_ml_tells_of_every_function_with_the_units_that_were_asked_for(tiny, monkeypatch):
    asked = []

    def placements(root, target, options):
        asked.append(options)
        yield GraphPlacement("stem", {"gpu": 2, "cpu": 1}, {"gpu": 1.0}, {"x": 1})

    monkeypatch.setattr(CoreMLRunner, "placements", placements)
    monkeypatch.setattr(Bundle, "target", lambda self, name: SimpleNamespace(format="coreml"))
    session = Session(tiny / "tiny.mvmoe", {"compute_units": "cpuAndGPU"})
    placement.PART.run(session)
    assert asked == [{"compute_units": "cpuAndGPU"}]
    assert session.lines == [
        PlacementLine(
            job="placement",
            subject="dispatcher",
            graph="stem",
            by_unit={"gpu": 2, "cpu": 1},
            cost_by_unit={"gpu": 1.0},
            outside={"x": 1},
        )
    ]


def test_an_engine_that_fails_to_say_is_measured_further(tiny, tmp_path, monkeypatch):
    """Whoever plans leaves a subject out whose key stands in a failure."""

    def placements(root, target, options):
        raise EngineError("there is no room for a profile")

    monkeypatch.setattr(OnnxRunner, "placements", placements)
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((1, 1, 8, 8), np.float32))
    nothing = Preset(
        name="p", repeats=1, queries=1, seconds=0.0, most_seconds=1.0, warmup=0, starts=0,
        stream=0, cooldown=0.0,
    )  # fmt: skip
    subjects = Session(tiny / "tiny.mvmoe", {}).order.subjects
    order = MeasurementOrder(
        job="placement", kind="placement", repeat=0, preset=nothing, images=str(images),
        subjects=subjects,
    )  # fmt: skip
    out = io.BytesIO()
    run_job(msgspec.json.encode(order), Process(0, 0, 0), out)
    [failure] = decode_lines(out.getvalue())
    assert failure == Failure(
        job="placement", subject=None, message="dispatcher: there is no room for a profile",
        code="engine.failed",
    )  # fmt: skip


def test_engines_that_say_nothing_have_no_lines(tiny, monkeypatch):
    monkeypatch.setattr(Bundle, "target", lambda self, name: SimpleNamespace(format="executorch"))
    session = Session(tiny / "tiny.mvmoe", {})
    placement.PART.run(session)
    assert session.lines == []
