"""Graphs of single experts and the one that joins them, in a dispatcher."""

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError, PartialResultError
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_export import Identity

SHARES = {(0, 1): 0.1, (0, 2): 0.4, (1, 2): 0.0, (0, 3): 0.1, (1, 3): 0.0, (2, 3): 0.4}


@pytest.fixture(scope="session")
def joined(tmp_path_factory, make_model):
    """Two of four experts, one router, one image at a time."""
    prior = (tuple(RouteShare(route, share) for route, share in SHARES.items()),)
    path = tmp_path_factory.mktemp("joined") / "model.bundle"
    options = {"strategy": "experts", "experts": 4, "top_k": 2}
    made = make_model(path, Identity(usage_prior=prior), **options)
    assert len(set(made.routes[0])) > 3
    return made


@pytest.fixture(scope="session")
def joined_in_batches(tmp_path_factory, make_model):
    """The same, three images at a time and two routed stages."""
    path = tmp_path_factory.mktemp("joined") / "batched.bundle"
    options = {"strategy": "experts", "experts": 4, "top_k": 2}
    return make_model(path, batch=3, depth=3, moe_layers=2, routers="per-layer", **options)


def of_route(made, route):
    """A preprocessed image `[1, C, H, W]` of a route."""
    image = made.routes[0].index(route)
    return made.images[image : image + 1]


def test_images_alone_and_together_are_answered_as_by_pytorch(joined, watched, assert_answers):
    dispatcher, runner = watched(joined)
    alone = np.concatenate([dispatcher.run(image[None])["answer"] for image in joined.images])
    assert_answers(alone, joined.answers)
    assert_answers(dispatcher.run(joined.images)["answer"], joined.answers)
    assert runner.loads == {f"step1_e{expert}": 1 for expert in range(4)}
    assert dispatcher.check().ok


def test_the_joining_graph_is_always_there_and_no_part_of_the_budget(joined, watched):
    dispatcher, runner = watched(joined, max_resident_experts=1)
    for route in ((0, 1), (2, 3), (0, 1)):
        if route in joined.routes[0]:
            dispatcher.run(of_route(joined, route))
    assert runner.loads["step1_join"] == 0
    assert len(dispatcher.resident) == 1
    assert {"stem", "step1_join"} <= runner.alive()


def test_an_expert_may_be_evicted_between_the_experts_of_one_image(joined, watched, assert_answers):
    dispatcher, runner = watched(joined, max_resident_experts=1)
    alone = np.concatenate([dispatcher.run(image[None])["answer"] for image in joined.images])
    assert_answers(alone, joined.answers)
    assert sum(runner.loads.values()) > 4


def test_a_batch_loads_each_expert_once_however_routes_are_mixed(
    joined_in_batches, watched, assert_answers
):
    dispatcher, runner = watched(joined_in_batches, max_resident_experts=1)
    assert_answers(dispatcher.run(joined_in_batches.images)["answer"], joined_in_batches.answers)
    assert set(runner.loads.values()) == {1}
    assert len(dispatcher.resident) == 2


def test_graphs_are_bound_once_for_each_slot(joined, watched):
    dispatcher, _ = watched(joined)
    for image in joined.images:
        dispatcher.run(image[None])
    bound = counts(dispatcher)
    for image in joined.images:
        dispatcher.run(image[None])
    assert counts(dispatcher) == bound
    slots = {
        expert: {route.index(expert) for route in joined.routes[0] if expert in route}
        for expert in range(4)
    }
    assert bound == {
        **{f"step1_e{expert}": len(found) for expert, found in slots.items()},
        "step1_join": 1,
    }


def counts(dispatcher):
    """How often each routed graph was bound."""
    slots = dispatcher._graphs._residency._slots
    return {name: len(slot.value.calls) for name, slot in slots.items() if name != "stem"}


def test_an_expert_writes_where_the_joining_graph_reads(joined, watched):
    dispatcher, _ = watched(joined)
    graphs = {graph.name: graph for graph in dispatcher.target.graphs}

    def shared(buffers):
        inputs = buffers.inputs(graphs["step1_join"])
        for slot in (0, 1):
            given = buffers.outputs_of(graphs["step1_e1"], slot)
            assert all(array is inputs[f"slot{slot}_{name}"] for name, array in given.items())

    dispatcher._calls.run(shared)


def test_an_expert_that_does_not_load_fails_its_images_alone(joined, watched, assert_answers):
    dispatcher, runner = watched(joined)
    runner.broken.add("step1_e2")
    failing = {i for i, route in enumerate(joined.routes[0]) if 2 in route}
    with pytest.raises(PartialResultError) as caught:
        dispatcher.run(joined.images)
    assert set(caught.value.failed) == failing
    others = [i for i in range(len(joined.images)) if i not in failing]
    assert_answers(caught.value.answers["answer"][others], joined.answers[others])
    with raises(PartialResultError, "engine.partial-result", images=[0]) as caught:
        dispatcher.run(joined.images[list(failing)[:1]])
    assert caught.value.failed[0].fields["graph"] == "step1_e2"
    runner.broken.clear()
    assert_answers(dispatcher.run(joined.images)["answer"], joined.answers)


@pytest.mark.parametrize(
    ("pin", "kept"),
    [
        (1, {"step1_e1"}),
        ((0, 2), {"step1_e0", "step1_e2"}),
        ("step1_e3", {"step1_e3"}),
    ],
)
def test_a_pinned_route_is_all_of_its_experts(joined, watched, pin, kept):
    dispatcher, runner = watched(joined, max_resident_experts=1, pin=[pin])
    for image in joined.images:
        dispatcher.run(image[None])
    assert kept <= set(dispatcher.resident)
    assert all(runner.loads[name] == 1 for name in kept)


@pytest.mark.parametrize("pin", [(0, 4), 4, "step1_join", ()])
def test_what_cannot_be_pinned_is_named(joined, watched, pin):
    with raises(InputError, "routing.unknown-route"):
        watched(joined, pin=[pin])


def test_the_most_used_experts_are_loaded_beforehand(joined, watched):
    """Expert 2 is used by 0.8 of the images, 0 by 0.6, 3 by 0.5, 1 by 0.1."""
    dispatcher, runner = watched(joined, max_resident_experts=3)
    dispatcher.prewarm()
    assert list(runner.loads) == ["step1_e2", "step1_e0", "step1_e3"]


def test_the_time_of_every_graph_is_noted(joined):
    bundle = Bundle.open(joined.path)
    runner = OnnxRunner.open(bundle.path, bundle.target("onnx"), 1)
    with TracingDispatcher(bundle, "onnx", runner) as dispatcher:
        cold, warm = (dispatcher.trace(joined.images[:1], [(1, 3)]) for _ in range(2))
        half = dispatcher.trace(joined.images[:1], [(0, 3)])
    assert [name for name, _ in cold.laps] == [
        *("rest", "stem", "select", "forced", "select"),
        *("load", "expert") * 3,
        "rest",
    ]
    assert (cold.cold, warm.cold, half.cold) == ((True,), (False,), (True,))
    np.testing.assert_array_equal(cold.outputs["answer"], warm.outputs["answer"])
