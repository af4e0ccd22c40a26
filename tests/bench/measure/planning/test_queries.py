"""Which questions are asked: routes known, imposed, and covered; and which budgets."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_bench.measure.planning.bench_presets import PRESETS
from mvmoe_bench.measure.planning.inputs import SYNTHETIC, Inputs
from mvmoe_bench.measure.planning.queries import QueryPlan, budgets
from mvmoe_bench.measure.schema.records import Preset
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.top_k import TopK

PRESET = Preset(
    name="p", repeats=3, queries=4, seconds=0.0, most_seconds=1.0, warmup=0, starts=1, stream=5,
    cooldown=0.0,
)  # fmt: skip


def questions(
    source="digits", images=5, stages=1, distribution=None, *, k=1, experts=3, routers="host"
):
    rules = (TopK(experts=experts, k=k),) * stages
    inputs = Inputs(
        source, np.zeros((images, 1, 2, 2), np.float32), ("",) * images, (None,) * images, "name"
    )
    records = [SimpleNamespace(routing=rule, finishes=()) for rule in (None, *rules)]
    targets = {"onnx": SimpleNamespace(routers=routers)}
    manifest = SimpleNamespace(rules=rules, usage_prior=None, stages=records, targets=targets)
    return QueryPlan(manifest, inputs, distribution, seed=0)


def target(experts=3, stages=1, strategy="dispatch"):
    return SimpleNamespace(
        strategy=strategy,
        graphs=[
            SimpleNamespace(stage=stage, route=(expert,) if stage else None)
            for stage in range(stages + 1)
            for expert in range(experts if stage else 1)
        ],
    )


def test_repeats_ask_different_images_and_real_ones_are_not_forced():
    asked = [questions().rounds(PRESET, repeat, None) for repeat in range(3)]
    assert [query.image for queries in asked for query in queries] == [
        0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1,
    ]  # fmt: skip
    assert not any(query.forced or query.routes for queries in asked for query in queries)


def test_real_images_take_in_turn_what_their_caller_has_to_choose():
    task = Given(experts=3, choice="task", named={"depth": (0,), "edges": (1,), "segment": (2,)})
    power = Given(experts=3, choice="power", named={"low": (0,)}, otherwise=TopK(experts=3))
    asked = questions()
    asked.manifest.rules = (task, power)
    names = [query.choices for query in asked.once()]
    assert names == [{"task": name} for name in ("depth", "edges", "segment", "depth", "edges")]
    known = [((number % 3,), (0,)) for number in range(5)]
    for query in asked.rounds(PRESET, 0, known):
        assert (query.routes, query.choices) == (known[query.image], names[query.image])
    forced = questions(SYNTHETIC)
    forced.manifest.rules = (task,)
    assert not any(query.choices for query in forced.once())


def test_known_routes_are_told_to_those_who_need_them():
    known = [((number % 3,),) for number in range(5)]
    for query in questions().rounds(PRESET, 0, known):
        assert query.routes == known[query.image] and not query.forced


def test_synthetic_questions_are_forced_down_their_distribution():
    shares = ((RouteShare((2,), 0.75), RouteShare((0,), 0.25)),)
    asked = questions(SYNTHETIC, distribution=shares)
    queries = [query for repeat in range(3) for query in asked.rounds(PRESET, repeat, None)]
    assert all(query.forced for query in queries)
    assert sum(query.routes == ((2,),) for query in queries) == 9
    dense = QueryPlan(
        SimpleNamespace(rules=(), usage_prior=None, targets={}), asked.inputs, None, 0
    )
    assert not dense.forced and not dense.once()[0].forced


def test_images_of_graphs_with_their_routers_inside_take_their_own_routes():
    asked = questions(SYNTHETIC, routers="in-graph")
    assert not any(query.forced for query in asked.once())


def test_routes_that_no_image_takes_are_covered_by_force():
    known = [((1,),)] * 5
    covered = questions().coverage(target(), known, PRESET, 0)
    assert {query.routes for query in covered} == {((0,),), ((2,),)}
    assert all(query.forced for query in covered)
    assert questions().coverage(target(), [((e,),) for e in range(3)], PRESET, 0) == []


def test_experts_with_graphs_of_their_own_are_covered_by_routes_that_have_them():
    known = [((0, 1),), ((1, 3),)]
    covered = questions(k=2, experts=5).coverage(target(5, strategy="experts"), known, PRESET, 0)
    assert [query.routes for query in covered] == [((0, 2),), ((0, 4),)]


def test_very_many_routes_are_covered_over_the_repeats():
    known = [((0,),)] * 5
    asked = questions(experts=20)
    parts = [asked.coverage(target(20), known, PRESET, repeat) for repeat in range(3)]
    routes = [query.routes[0][0] for queries in parts for query in queries]
    assert sorted(routes) == list(range(1, 20)) and max(map(len, parts)) == 7


def test_of_several_stages_one_route_is_imposed_and_the_others_are_usual():
    known = [((1,), (2,))] * 5
    covered = questions(stages=2).coverage(target(stages=2), known, PRESET, 0)
    assert [query.routes for query in covered] == [
        ((0,), (2,)), ((2,), (2,)), ((1,), (0,)), ((1,), (1,)),
    ]  # fmt: skip


@given(st.integers(1, 256))
def test_budgets_go_from_one_to_all(experts):
    found = budgets(target(experts))
    assert found[0] == 1 and found[-1] == experts and sorted(set(found)) == list(found)
    assert found == tuple(range(1, experts + 1)) if experts <= 12 else len(found) <= 18


def test_a_dense_target_has_no_budgets():
    assert budgets(target(stages=0)) == ()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_presets_have_repeats_enough_for_an_interval(preset):
    assert preset.repeats >= 6 and preset.name in ("quick", "standard", "rigorous")
