"""What holds of every strategy, and how each of ours takes routes and gates."""

import itertools

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.strategies import (
    DEFAULT,
    INTEGER,
    Strategy,
    TensorType,
    find_strategy,
    slot_input,
    slot_of,
)

RULES = [TopK(experts=1), TopK(experts=4), TopK(experts=4, k=2), TopK(experts=3, k=3)]
EVERY = part_lookup.built_in_names("strategies")


def arrays(inputs: dict[str, TensorType]) -> dict[str, np.ndarray]:
    """Arrays for inputs, full of a number that nobody writes."""
    return {
        name: np.full(shape, 9, "int32" if dtype == INTEGER else dtype)
        for name, (shape, dtype) in inputs.items()
    }


def written(name: str, rule: TopK, *choices: tuple[tuple[int, ...], tuple[float, ...]]) -> dict:
    """The inputs of the graph of the first choice's route, in which the others stand too."""
    strategy = find_strategy(name)
    inputs = arrays(strategy.inputs(rule, strategy.serving(choices[0][0])[-1], batch=3))
    for position, (route, gates) in enumerate(choices):
        strategy.write(inputs, position, route, gates)
    return {name: array.tolist() for name, array in inputs.items()}


def test_our_own_strategies_are_found_and_the_default_is_one_of_them() -> None:
    assert EVERY == ["all-experts", "bind", "dispatch", "experts", "gather"]
    assert DEFAULT in EVERY
    assert all(find_strategy(name, plugins=False).name == name for name in EVERY)
    with raises(InputError, "part.unknown", kind="strategies", name="no-such", installed=EVERY):
        find_strategy("no-such")


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_every_route_is_served_by_some_of_the_graphs(name: str, rule: TopK) -> None:
    strategy = find_strategy(name)
    graphs = list(strategy.graphs(rule))
    assert len(set(graphs)) == len(graphs)
    assert {one for route in rule.routes() for one in strategy.serving(route)} == set(graphs)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_writer_of_the_first_image_writes_the_same(name: str, rule: TopK) -> None:
    strategy = find_strategy(name)
    gates = tuple(0.25 * (slot + 1) for slot in range(rule.longest))
    for route in rule.routes():
        inputs = arrays(strategy.inputs(rule, strategy.serving(route)[-1], batch=3))
        strategy.writer(inputs, route)(gates)
        wanted = written(name, rule, (route, gates))
        assert {input_: array.tolist() for input_, array in inputs.items()} == wanted


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_what_is_written_says_the_route_and_its_gates_and_nothing_of_what_was_there(
    name: str, rule: TopK
) -> None:
    """The inputs of two routes, or of two gates, differ wherever the graph does not say it."""
    strategy = find_strategy(name)
    gates = [tuple(0.25 * (slot + 1) for slot in range(rule.longest)), (0.5,) * rule.longest]
    seen = set()
    for route, of_route in itertools.product(rule.routes(), gates):
        rows = []
        for old in (9, 5):
            inputs = arrays(strategy.inputs(rule, strategy.serving(route)[-1], batch=1))
            for array in inputs.values():
                array[:] = old
            strategy.write(inputs, 0, route, of_route)
            rows.append(str({name: array.tolist() for name, array in inputs.items()}))
        assert rows[0] == rows[1]
        # Weights that are bound say the route, too.
        bound = route if strategy.binds_weights else None
        seen.add((strategy.serving(route), bound, rows[0]))
    assert len(seen) == 2 * rule.count()


@pytest.mark.parametrize("name", EVERY)
def test_graphs_are_enumerated_lazily(name: str) -> None:
    rule = TopK(experts=4096, k=2048)
    assert len(list(itertools.islice(find_strategy(name).graphs(rule), 3))) in (1, 3)
    next(find_strategy(name).interchangeable(rule), None)


def test_dispatch_takes_the_gates_of_the_route_alone() -> None:
    rule = TopK(experts=3, k=2)
    found = written("dispatch", rule, ((0, 2), (0.5, 0.25)), ((0, 2), (0.75, 0.125)))
    assert found == {"gates": [[0.5, 0.25], [0.75, 0.125], [9, 9]]}


def test_gather_takes_the_experts_too() -> None:
    rule = TopK(experts=3, k=2)
    found = written("gather", rule, ((0, 2), (0.5, 0.25)), ((1, 2), (0.75, 0.125)))
    assert found == {
        "gates": [[0.5, 0.25], [0.75, 0.125], [9, 9]],
        "experts": [[0, 2], [1, 2], [9, 9]],
    }


def test_gather_fills_up_a_route_that_is_shorter_than_the_longest() -> None:
    found = written("gather", TopK(experts=4, k=3), ((2, 3), (0.5, 0.25)))
    assert found["experts"][0] == [2, 3, 0]
    assert found["gates"][0] == [0.5, 0.25, 0]


def test_experts_gives_each_expert_a_graph_and_joins_them_in_the_order_of_the_route():
    strategy, rule = find_strategy("experts"), TopK(experts=4, k=3)
    assert list(strategy.graphs(rule)) == [(0,), (1,), (2,), (3,), None]
    assert strategy.serving((0, 2, 3)) == ((0,), (2,), (3,), None)
    assert (strategy.slots(rule), find_strategy("dispatch").slots(rule)) == (3, 0)
    assert strategy.inputs(rule, (1,), batch=2) == {}
    assert strategy.inputs(rule, None, batch=2) == {"gates": TensorType((2, 3), "float32")}
    assert [strategy.is_joined(rule, graph) for graph in ((1,), None)] == [True, False]
    assert not find_strategy("dispatch").is_joined(rule, (0, 1, 2))


def test_what_a_shorter_route_leaves_in_a_slot_is_finite():
    inputs = {"gates": np.full((2, 3), 9.0), "tokens": np.full((2, 1), np.nan)}
    inputs |= {slot_input(slot, "output"): np.full((2, 4), np.nan) for slot in range(3)}
    find_strategy("experts").write(inputs, 1, (2,), (0.5,))
    assert inputs["gates"].tolist() == [[9, 9, 9], [0.5, 0, 0]]
    for slot, wanted in enumerate((True, False, False)):
        rows = np.isnan(inputs[slot_input(slot, "output")]).all(axis=1).tolist()
        assert rows == [True, wanted]
    assert np.isnan(inputs["tokens"]).all()


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("slot0_output", 0),
        ("slot12_a_b", 12),
        ("slot_output", None),
        ("slot1", None),
        ("gates", None),
    ],
)
def test_an_input_says_which_slot_it_is(name, slot):
    assert slot_of(name) == slot
    assert slot is None or slot_input(slot, name.partition("_")[2]) == name


@pytest.mark.parametrize("name", EVERY)
def test_a_graph_has_a_route_that_it_serves(name: str) -> None:
    strategy = find_strategy(name)
    for rule in (TopK(experts=4, k=2), TopP(experts=3, p=0.5, k_max=2)):
        for graph in strategy.graphs(rule):
            route = strategy.example(rule, graph)
            assert rule.contains(route) and graph in strategy.serving(route)
    ends = {(0, expert) for expert in range(1, 4)}
    assert find_strategy("experts").example(TopK(experts=4, k=2), (0,), ends) is None


def test_all_experts_takes_zero_for_those_that_are_not_selected() -> None:
    rule = TopK(experts=3, k=2)
    found = written("all-experts", rule, ((0, 2), (0.5, 0.25)), ((1, 2), (0.75, 0.125)))
    assert found == {"gates": [[0.5, 0, 0.25], [0, 0.75, 0.125], [9, 9, 9]]}


def test_which_strategies_separate_experts_and_which_gather() -> None:
    found = {name: find_strategy(name) for name in EVERY}
    assert [name for name in EVERY if found[name].separates_experts] == [
        "bind",
        "dispatch",
        "experts",
    ]
    assert [name for name in EVERY if found[name].gathers_weights] == ["gather"]


@pytest.mark.parametrize("name", EVERY)
def test_only_gather_refuses_a_batch(name: str) -> None:
    strategy: Strategy = find_strategy(name)
    strategy.require_batch(1)
    if name == "gather":
        with raises(InputError, "input.option", name="batch", given=2, expected=1):
            strategy.require_batch(2)
    else:
        strategy.require_batch(2)
