"""The rule `given`, and what the choices of callers come to."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.routing import gates_of
from mvmoe_deploy.routing.choices import (
    are_named,
    check_choices,
    choices_of,
    chooser_of,
    default_selectors,
    margins_in_turn,
    no_logits,
    router_of,
    select_in_turn,
    selector_in_turn,
    selectors,
    turns_of,
)
from mvmoe_deploy.routing.contract import CallersRule, GraphRule, Rule, route_of
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK

TASKS = {"depth": (0, 1), "segment": (3,), "again": (0, 1)}
TASK = Given(experts=4, choice="task", named=TASKS)
POWER = Given(experts=3, choice="power", named={"low": (0,)}, otherwise=TopK(experts=3, k=2))


def fails(code, **fields):
    """An InputError with a code; its fields, where some are named."""

    def fits(error):
        return error.code == code and all(error.fields[k] == v for k, v in fields.items())

    return pytest.raises(InputError, check=fits)


@st.composite
def rules(draw):
    """A rule without a router, of any table."""
    experts = draw(st.integers(1, 8))
    route = st.sets(st.integers(0, experts - 1), min_size=1).map(lambda r: tuple(sorted(r)))
    named = draw(st.dictionaries(st.text("ab_9", min_size=1, max_size=3), route, min_size=1))
    return Given(experts=experts, named=named)


@given(rules(), st.integers(1, 4))
def test_a_chosen_route_is_taken_with_gates_of_one(rule, images):
    for name, route in rule.named.items():
        members, gates = rule.chosen(name).select(no_logits(images))
        assert {route_of(row) for row in members} == {route}
        np.testing.assert_array_equal(gates, members.astype(np.float32))
        one, one_gates = rule.chosen(name).select_one(no_logits(1)[0])
        assert (one, one_gates) == (route, (1.0,) * len(route))
        assert list(gates_of(route, no_logits(1)[0], rule)) == list(one_gates)


@given(rules())
def test_the_routes_are_those_with_a_name_each_once(rule):
    routes = list(rule.routes())
    assert len(set(routes)) == len(routes) == rule.count()
    assert set(routes) == set(rule.named.values())
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(rule.experts), length) for length in range(rule.experts + 1)
    )
    assert set(routes) == {route for route in subsets if rule.contains(route)}
    assert rule.longest == max(map(len, routes))
    assert str(rule.experts) in rule.describe()


@given(rules(), st.data())
def test_a_cover_has_the_experts_that_a_name_has(rule, data):
    wanted = data.draw(st.sets(st.integers(0, rule.experts - 1)))
    routes = list(rule.cover(wanted))
    named = {expert for route in rule.named.values() for expert in route}
    assert wanted & named <= {expert for route in routes for expert in route}
    assert len(routes) <= len(wanted)


@given(rules(), st.integers(1, 20))
def test_images_of_a_verification_take_the_names_in_ascending_order(rule, images):
    names = sorted(rule.named)
    members, gates = select_in_turn(rule, no_logits(images))
    wanted = [rule.named[names[image % len(names)]] for image in range(images)]
    assert list(map(route_of, members)) == wanted
    assert gates.tolist() == members.astype(np.float32).tolist()
    assert margins_in_turn(rule, no_logits(images)).tolist() == [np.inf] * images
    for image, route in enumerate(wanted):
        assert selector_in_turn(rule, image).select_one(no_logits(1)[0])[0] == route


def test_the_router_has_its_turn_too():
    logits = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    members, gates = select_in_turn(POWER, logits)
    own, own_gates = POWER.otherwise.select(logits)
    assert turns_of(POWER) == ["low", None]
    assert list(map(route_of, members))[::2] == [(0,)] * 3
    np.testing.assert_array_equal(members[1::2], own[1::2])
    np.testing.assert_array_equal(gates[1::2], own_gates[1::2])
    margins = margins_in_turn(POWER, logits)
    assert margins[::2].tolist() == [np.inf] * 3
    np.testing.assert_array_equal(margins[1::2], POWER.otherwise.margins(logits)[1::2])
    assert are_named((POWER,), 4).tolist() == [True, False, True, False]
    assert are_named((TASK, POWER), 4).all()
    assert not are_named((TopK(experts=2),), 4).any()


def test_another_rule_is_in_turn_what_it_is():
    rule, logits = TopK(experts=3), np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    assert selector_in_turn(rule, 3) is rule
    for found, wanted in zip(select_in_turn(rule, logits), rule.select(logits), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(margins_in_turn(rule, logits), rule.margins(logits))


@pytest.mark.parametrize(
    "router", [TopK(experts=3, k=2), Threshold(experts=3, thresholds=(0,) * 3)]
)
def test_a_chosen_route_has_the_gates_of_an_imposed_one_where_there_is_a_router(router):
    rule = Given(experts=3, named={"low": (0,), "high": (1, 2)}, otherwise=router)
    logits = np.float32([1.0, -2.0, 0.5])
    for name, route in rule.named.items():
        found, gates = rule.chosen(name).select_one(logits)
        assert (found, gates) == (route, gates_of(route, logits, router))
        members, batch = rule.chosen(name).select(logits[None])
        assert batch[members].tolist() == list(gates)
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.not-finite"):
        rule.chosen("low").select_one(np.float32([1, np.nan, 0]))


def test_without_a_choice_the_router_decides_or_nobody():
    assert POWER.chosen(None) is POWER.otherwise
    for call in (TASK.select, lambda logits: TASK.select_one(logits[0])):
        with fails("routing.choice-missing", choice="task", expected=sorted(TASKS)):
            call(no_logits(1))


def test_choices_of_a_call():
    assert default_selectors((TASK, POWER)) is None
    assert default_selectors((POWER, TopK(experts=2))) == [POWER.otherwise, TopK(experts=2)]
    assert choices_of((TASK, TopK(experts=2), POWER)) == {"task": sorted(TASKS), "power": ["low"]}
    task, power, other = selectors((TASK, POWER, TopK(experts=2)), {"task": "segment"})
    assert task.select_one(no_logits(1)[0]) == ((3,), (1.0,))
    assert (power, other) == (POWER.otherwise, TopK(experts=2))
    with fails("routing.choice-missing", choice="task"):
        selectors((TASK, POWER), {"power": "low"})
    with fails("routing.choice-unknown", choice="task", given="x"):
        selectors((TASK, POWER), {"task": "x"})
    with fails("routing.no-such-choice", given="x", expected=["task", "power"]):
        selectors((TASK, POWER), {"task": "depth", "x": "y"})
    with fails("routing.no-such-choice", given="task", expected=[]):
        selectors((TopK(experts=2),), {"task": "depth"})


def test_none_as_a_choice_is_no_choice():
    assert selectors((POWER,), {"power": None}) == [POWER.otherwise]


def test_an_error_shows_no_more_than_a_few_names_and_no_control_characters():
    many = Given(experts=1, named={f"n{number:04}": (0,) for number in range(2000)})
    with fails("routing.choice-unknown", expected=[f"n{number:04}" for number in range(16)]) as e:
        many.chosen("\x1b[2J" * 1000)
    assert "\x1b" not in str(e.value)
    assert len(str(e.value)) < 400
    assert len(e.value.fields["given"]) <= 200


def test_a_route_with_a_name_is_found_by_it():
    assert chooser_of(TASK, (0, 1)).select_one(no_logits(1)[0]) == ((0, 1), (1.0, 1.0))
    assert chooser_of(POWER, (1, 2)) is None
    assert chooser_of(TopK(experts=2), (1,)) is None


def test_stages_of_one_choice_have_the_same_names():
    other = Given(experts=2, choice="task", named=dict.fromkeys(TASKS, (1,)))
    check_choices((TASK, POWER, other), "the test")
    routed = msgspec.structs.replace(other, otherwise=TopK(experts=2))
    fewer = Given(experts=2, choice="task", named={"depth": (1,)})
    for wrong in (routed, fewer):
        with fails("routing.rule-invalid"):
            check_choices((TASK, POWER, wrong), "the test")


@pytest.mark.parametrize(
    "fields",
    [
        {"named": {}},
        {"named": {"": (0,)}},
        {"named": {"a\n": (0,)}},
        {"named": {"\x1b": (0,)}},
        {"named": {"a": ()}},
        {"named": {"a": (1, 0)}},
        {"named": {"a": (4,)}},
        {"choice": "Task"},
        {"choice": "task\n"},
        {"choice": ""},
        {"choice": "x" * 65},
        {"otherwise": TASK},
        {"otherwise": TopK(experts=3)},
    ],
)
def test_a_rule_that_nobody_could_follow_is_refused(fields):
    with fails("routing.rule-invalid"):
        Given(**{"experts": 4, "named": {"a": (0,)}, **fields})


def test_what_it_is():
    assert isinstance(TASK, CallersRule)
    assert isinstance(TASK, Rule)
    assert not isinstance(TASK, GraphRule)
    assert not isinstance(TopK(experts=2), CallersRule)
    assert router_of(TASK) is None
    assert router_of(POWER) == TopK(experts=3, k=2)
    assert TASK.describe() == "one of 2 routes of 4 experts, as the caller's task says"
    assert POWER.describe() == "top 2 of 3 experts, or as the caller's power says"


def test_the_form_for_pytorch_gives_the_same_gates():
    torch = pytest.importorskip("torch")
    members = torch.tensor([[True, True, False, False]])
    assert TASK.torch_gates(members, torch.zeros(1, 0)).tolist() == [[1.0, 1.0, 0.0, 0.0]]
