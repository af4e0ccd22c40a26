"""Lines of placements: what engines say of their own, on this device or another's."""

from types import SimpleNamespace

from mvmoe_bench.measure.jobs import placement
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.contract import GraphPlacement
from mvmoe_deploy.runtime.runners.coreml.runner import CoreMLRunner


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

    def attempt(self, subject, work):
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


def test_engines_that_say_nothing_have_no_lines(tiny, monkeypatch):
    monkeypatch.setattr(Bundle, "target", lambda self, name: SimpleNamespace(format="executorch"))
    session = Session(tiny / "tiny.mvmoe", {})
    placement.PART.run(session)
    assert session.lines == []
