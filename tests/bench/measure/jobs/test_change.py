"""Pairs of answers: which routes take turns, and what is recorded of each change."""

import io

import msgspec
import numpy as np
import pytest

from mvmoe_bench.measure.jobs import change
from mvmoe_bench.measure.jobs.change import ChangeSample, turns
from mvmoe_bench.measure.jobs.order_process import Process, run_job
from mvmoe_bench.measure.schema.lines import line_decoder
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Preset
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.routing.top_k import TopK

ROUTES = [((0, 1), (0, 1)), ((0, 2), (1, 2)), ((1, 2), (0, 2))]


def test_routes_take_turns_and_share_as_little_as_can_be():
    assert turns(TopK(experts=3, k=1), ()) == [(0,), (1,), (2,)]
    found = turns(TopK(experts=4, k=2), ())
    assert found[:4] == [(0, 1), (2, 3), (0, 2), (1, 3)] and len(found) == 6


def test_of_many_routes_a_few_take_turns():
    assert len(turns(TopK(experts=64, k=2), ())) == 16


def test_routes_that_finish_an_image_change_nothing():
    assert turns(TopK(experts=3, k=1), [(1,)]) == [(0,), (2,)]


@pytest.fixture(scope="module")
def bound(several, made_once):
    """Two stages of three experts, two on a route, whose weights are bound."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_export import Identity, export_bundle

    def write(path):
        model = load_checkpoint(several / "checkpoint").model
        identity = Identity(name="bound")
        export_bundle(model, path, identity=identity, strategy="bind", skip_verify=True)

    return made_once("bench-bound.mvmoe", write)


def measured(path, folder, queries=8, budgets=(None,)):
    """The lines of one process."""
    bundle = Bundle.open(path)
    spec = bundle.manifest.input
    images = folder / "images.npy"
    np.save(images, np.random.default_rng(0).random((2, *spec.shape), np.float32))
    subjects = tuple(
        SubjectOrder(
            key="dispatcher onnx",
            kind="dispatcher",
            root=str(path),
            manifest_sha256=bundle.manifest_sha256,
            target="onnx",
            requested=EngineChoice(engine="ONNX Runtime"),
            threads=1,
            budget=budget,
            queries=tuple(
                Query(image=number % 2, routes=routes, forced=True)
                for number, routes in enumerate(ROUTES)
            ),
        )
        for budget in budgets
    )
    order = MeasurementOrder(
        job="change:0",
        kind="change",
        repeat=0,
        preset=Preset(
            name="p", repeats=1, queries=queries, seconds=0.0, most_seconds=1e9, warmup=0,
            starts=0, stream=1, cooldown=0.0,
        ),
        images=str(images),
        subjects=subjects,
    )  # fmt: skip
    out = io.BytesIO()
    run_job(msgspec.json.encode(order), Process(0, 0, 0), out)
    lines = [line_decoder().decode(line) for line in out.getvalue().splitlines()]
    assert all(type(line) is ChangeSample and line.is_plausible() for line in lines), lines
    return lines


def test_every_answer_is_compared_with_one_by_the_route_before(several, tmp_path):
    lines = measured(several / "tiny.mvmoe", tmp_path, budgets=(None, 1))
    for budget in (None, 1):
        mine = [line for line in lines if line.budget == budget]
        assert [line.round for line in mine] == list(range(11))
        assert [line.routes for line in mine[:4]] == [*ROUTES[1:], ROUTES[0], ROUTES[1]]
        assert [line.before for line in mine[1:]] == [line.routes for line in mine[:-1]]
        # The first route was taken before any pair.
        assert [line.first for line in mine] == [True, True] + 9 * [False]
    # With room for one graph a change is a load; what was loaded serves the same route again.
    loads = {
        budget: np.median([min(line.changed.load) for line in lines if line.budget == budget])
        for budget in (None, 1)
    }
    again = np.median([max(line.same.load) for line in lines if line.budget == 1])
    assert loads[1] > 4 * max(loads[None], again)


@pytest.mark.skipif(not change.can_drop(), reason="this system drops no pages on request")
def test_ranges_of_experts_are_dropped_and_read(bound, tmp_path, monkeypatch):
    """Only once all routes were taken, and then every other time."""
    asked = []
    monkeypatch.setattr(change, "drop", lambda part, mapped: asked.append((part, mapped)))
    monkeypatch.setattr(change, "cached_share", lambda part: 0.0)
    lines = measured(bound, tmp_path)
    assert [line.dropped for line in lines] == [
        False, False, False, False, True, False, False, True, False, False, True,
    ]  # fmt: skip
    assert all((line.read_ns is not None) == line.dropped for line in lines)
    target = Bundle.open(bound).target("onnx")
    # Of a route's two experts at each of two stages; before the answer, and before the read.
    assert len(asked) == 3 * 2 * 4 and all(mapped for _, mapped in asked)
    (first, _), line = asked[0], lines[4]
    expert = target.experts[0][line.routes[0][0]]
    assert (first.offset, first.bytes) == (expert.offset, expert.bytes)
    assert first.path.samefile(bound / target.weights)


@pytest.mark.skipif(not change.can_drop(), reason="this system drops no pages on request")
def test_what_stays_in_memory_was_not_dropped(bound, tmp_path, monkeypatch):
    monkeypatch.setattr(change, "drop", lambda part, mapped: None)
    monkeypatch.setattr(change, "cached_share", lambda part: 1.0)
    assert not any(line.dropped or line.read_ns for line in measured(bound, tmp_path))
