"""The dispatcher as a subject, over a target with a graph for each expert."""

import numpy as np
import pytest

from mvmoe_bench.measure.schema.orders import Query
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects.dispatcher import DispatcherSubject, _traced
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner
from mvmoe_deploy.runtime.tracing import Trace, TracingDispatcher


@pytest.fixture
def subject(experts_bundle):
    """A subject in which nothing was asked yet."""
    bundle = Bundle.open(experts_bundle)
    runner = OnnxRunner.open(experts_bundle, bundle.target("onnx"), 1)
    images = bundle.golden()["image"]
    dispatcher = TracingDispatcher(bundle, "onnx", runner)
    subject = DispatcherSubject(dispatcher, EngineChoice(engine="ort", provider="cpu"), images)
    yield subject
    subject.close()


def test_every_experts_graph_is_loaded_once_and_timed_alone(subject):
    found = list(subject.loads())
    graphs = [f"step{stage}_e{expert}" for stage in (1, 2) for expert in range(3)]
    assert sorted(loaded.graph for loaded in found) == graphs
    assert all(loaded.load_ns > loaded.warm_ns > 0 for loaded in found)
    assert all(loaded.route == (int(loaded.graph[-1]),) for loaded in found)


def test_the_time_of_a_stage_is_that_of_all_its_graphs(subject):
    traced = subject.trace(Query(image=0, routes=((0, 2), (1, 2)), forced=True))
    assert traced.routes == ((0, 2), (1, 2)) and traced.cold == (True, True)
    again = subject.trace(Query(image=0, routes=((0, 2), (1, 2)), forced=True))
    assert again.cold == (False, False)
    assert all(np.array(again.laps.expert) > 0)
    np.testing.assert_array_equal(again.outputs["answer"], traced.outputs["answer"])


def test_laps_are_added_up_by_stage():
    laps = [("rest", 1), ("stem", 2)]
    for stage in (10, 100):
        laps += [("select", stage), ("forced", 7), ("select", stage)]
        laps += [("load", stage), ("expert", stage)] * 3
    trace = Trace({}, ((0, 1), (0, 1)), (True, False), (*laps, ("rest", 3)))
    found = _traced(trace, 2).laps
    assert (found.stem, found.rest) == (2, 4)
    assert (found.select, found.load, found.expert) == ((20, 200), (30, 300), (30, 300))


def test_an_image_that_is_finished_at_the_second_stage_has_no_time_there():
    laps = [("stem", 2), ("select", 10), ("load", 1), ("expert", 5), ("select", 20), ("rest", 1)]
    found = _traced(Trace({}, ((0,), (1,)), (False,), tuple(laps)), 2).laps
    assert (found.select, found.expert) == ((10, 20), (5, 0))
