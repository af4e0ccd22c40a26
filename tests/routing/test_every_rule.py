"""What holds of every rule."""

import itertools

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.routing import gates_of
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import GraphRule, members_of, route_of
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP

LONGEST_NOTE = len(", only 0, 1, 2, 3 and 4")
"""What a rule that keeps some of 8 experts says beside."""

# Two exps and two orders of summation, each within a few units in the last place.
TORCH_TOLERANCE = 1e-6


def top_k(experts, draw):
    gates = draw(st.sampled_from(["renormalize", "unit_gates", None]))
    k = draw(st.integers(1, experts))
    return TopK(experts=experts, k=k, **({} if gates is None else {gates: True}))


def top_p(experts, draw):
    p = draw(st.one_of(st.sampled_from([0.0, 0.25, 0.5]), st.floats(0, 0.999)))
    renormalize = draw(st.booleans())
    return TopP(experts=experts, p=p, k_max=draw(st.integers(1, experts)), renormalize=renormalize)


def threshold(experts, draw):
    value = st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-30, 30))
    return Threshold(experts=experts, thresholds=tuple(draw(value) for _ in range(experts)))


def given_or_routed(experts, draw):
    router = draw(st.sampled_from([top_k, top_p, threshold]))(experts, draw)
    route = st.sets(st.integers(0, experts - 1), min_size=1).map(lambda r: tuple(sorted(r)))
    named = draw(st.dictionaries(st.text("ab_9", min_size=1, max_size=3), route, min_size=1))
    return Given(experts=experts, choice="task", named=named, otherwise=router)


RULES = [top_k, top_p, threshold, given_or_routed]


def some_experts(experts, draw):
    """Experts that could be kept, ascending."""
    kept = draw(st.sets(st.integers(0, experts - 1), min_size=1))
    return tuple(sorted(kept))


def among(rule, kept):
    """The rule with some experts alone; as it is where they are too few."""
    try:
        return rule.among(kept)
    except InputError as error:
        assert error.code == "routing.rule-invalid"
        return rule


@st.composite
def cases(draw, elements=None):
    """A rule, logits `[B, E]` for it, and one of its routes."""
    experts = draw(st.integers(1, 8))
    rule = draw(st.sampled_from(RULES))(experts, draw)
    if draw(st.booleans()):
        rule = among(rule, some_experts(experts, draw))
    values = st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-300, 300, width=32))
    shape = (draw(st.integers(1, 5)), experts)
    logits = draw(hnp.arrays(np.float32, shape, elements=values if elements is None else elements))
    return rule, logits, draw(st.sampled_from(list(rule.routes())))


@given(cases())
def test_a_rule_gives_routes_of_its_own(case):
    rule, logits, _ = case
    members, gates = rule.select(logits)
    assert members.shape == gates.shape == logits.shape
    assert members.dtype == bool
    assert gates.dtype == np.float32
    assert all(rule.contains(route_of(row)) for row in members)
    assert members.sum(axis=1).max() <= rule.longest
    assert not gates[~members].any()


@given(cases())
def test_routes_are_counted_listed_once_and_recognised(case):
    rule, _, _ = case
    routes = list(rule.routes())
    assert len(set(routes)) == len(routes) == rule.count()
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(rule.experts), length) for length in range(rule.experts + 1)
    )
    assert set(routes) == {route for route in subsets if rule.contains(route)}
    assert not rule.contains((*routes[0], rule.experts))
    assert max(map(len, routes)) == rule.longest
    assert sorted({expert for route in routes for expert in route}) == list(rule.usable)


@given(cases(), st.data())
def test_a_cover_has_the_experts_it_was_asked_for(case, data):
    rule, _, _ = case
    wanted = data.draw(st.sets(st.sampled_from(list(rule.usable))))
    routes = list(rule.cover(wanted))
    assert all(rule.contains(route) for route in routes)
    assert wanted <= {expert for route in routes for expert in route}
    assert len(routes) <= len(wanted)


@given(cases())
def test_one_image_is_routed_as_in_a_batch(case):
    rule, logits, _ = case
    for row, members, gates in zip(logits, *rule.select(logits), strict=True):
        one, one_gates = rule.select_one(row)
        assert one == route_of(members)
        assert {type(expert) for expert in one} == {int}
        assert {type(gate) for gate in one_gates} == {float}
        # One unit in the last place: NumPy's exp and the C library's may differ in double.
        np.testing.assert_array_max_ulp(np.float32(one_gates), gates[members], maxulp=1)


@given(cases(), st.data())
def test_with_fewer_experts_a_route_of_those_that_are_kept_is_the_same_bit_for_bit(case, data):
    rule, logits, _ = case
    kept = some_experts(rule.experts, data.draw)
    fewer = among(rule, kept) if set(kept) <= set(rule.usable) else rule
    before, after = rule.select(logits), fewer.select(logits)
    same = ~before[0][:, [one not in fewer.usable for one in range(rule.experts)]].any(axis=1)
    np.testing.assert_array_equal(after[0][same], before[0][same])
    np.testing.assert_array_equal(after[1][same], before[1][same])
    assert all(set(route_of(members)) <= set(fewer.usable) for members in after[0])


@given(cases())
def test_a_rule_keeps_no_experts_that_it_does_not_select(case):
    rule, _, _ = case
    for kept in ((), (rule.experts,), (-1,), (0, 0)):
        with pytest.raises(InputError, check=lambda error: error.code == "routing.rule-invalid"):
            rule.among(kept)
    assert among(rule, tuple(rule.usable)) == rule


@given(cases())
def test_one_formula_gives_the_gates_of_selected_and_imposed_routes(case):
    rule, logits, _ = case
    members, gates = rule.select(logits)
    np.testing.assert_array_equal(rule.gates(members, logits), gates)
    for row, inside, wanted in zip(logits, members, gates, strict=True):
        assert list(gates_of(route_of(inside), row, rule)) == wanted[inside].tolist()


@given(cases())
def test_an_imposed_route_has_finite_gates_where_scores_underflow_too(case):
    rule, logits, route = case
    gates = rule.gates(members_of([route] * len(logits), rule.experts), logits)
    assert np.isfinite(gates).all()
    assert (gates >= 0).all()


@given(cases(), st.randoms(use_true_random=False))
def test_an_image_is_routed_alone_as_in_any_batch(case, random):
    rule, logits, _ = case
    order = list(range(len(logits)))
    random.shuffle(order)
    members, gates = rule.select(logits)
    shuffled_members, shuffled_gates = rule.select(logits[order])
    np.testing.assert_array_equal(shuffled_members, members[order])
    np.testing.assert_array_equal(shuffled_gates, gates[order])
    alone = rule.select(logits[:1])
    np.testing.assert_array_equal(alone[0], members[:1])
    np.testing.assert_array_equal(alone[1], gates[:1])


@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.randoms(use_true_random=False))
def test_one_logit_that_is_not_finite_is_an_error_that_names_it(case, bad, random):
    rule, logits, route = case
    image, expert = random.randrange(len(logits)), random.randrange(rule.experts)
    logits = logits.copy()
    logits[image, expert] = bad
    with raises(RoutingError, "routing.not-finite", image=image, expert=expert):
        rule.select(logits)
    with raises(RoutingError, "routing.not-finite", expert=expert):
        rule.select_one(logits[image])
    with raises(RoutingError, "routing.not-finite", expert=expert):
        gates_of(route, logits[image], rule)


@pytest.mark.parametrize(
    "rule",
    [
        TopK(experts=4, k=2),
        TopP(experts=4, p=0.5, k_max=2),
        Threshold(experts=4, thresholds=(0.0,) * 4),
    ],
)
def test_one_image_needs_a_logit_for_each_expert(rule):
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        rule.select_one(np.zeros(3, np.float32))
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        rule.select(np.zeros((1, 3), np.float32))


@given(cases(), st.floats(0, 1), st.integers(0, 2**31))
def test_no_route_flips_within_half_of_its_margin(case, share, seed):
    """For any finite logits: where scores underflow or cannot be told apart, margins are 0."""
    rule, logits, _ = case
    margins = rule.margins(logits)
    assert margins.shape == (len(logits),)
    assert margins.dtype == np.float64
    assert (margins >= 0).all()
    reach = share * np.minimum(margins, 50)[:, None] / 2
    noise = np.random.default_rng(seed).choice([-1, -0.5, 0.5, 1], logits.shape) * reach
    moved = (logits + noise).astype(np.float32)
    # What was added is what fp32 kept of it.
    added = np.abs(moved.astype(np.float64) - logits).max(axis=1)
    still = (rule.select(moved)[0] == rule.select(logits)[0]).all(axis=1)
    assert (still | (added >= margins / 2)).all()


VISIBLE = st.floats(-8, 8, width=32)
"""Scores of these logits are far from underflow."""


@given(cases(elements=VISIBLE))
def test_beyond_half_of_its_margin_some_change_flips_a_route(case):
    rule, logits, _ = case
    signs = np.array(list(itertools.product([-1, 1], repeat=rule.experts)), np.float64)
    before = rule.select(logits)[0]
    for row, margin, members in zip(logits, rule.margins(logits), before, strict=True):
        if not np.isfinite(margin):
            continue
        # Beyond it by what fp32 logits of this size, and the rounding of p, may hide.
        moved = (row + signs * (margin / 2 + SLACK)).astype(np.float32)
        assert (rule.select(moved)[0] != members).any()


SLACK = 2e-4
"""Logits up to 9 are rounded by 5e-7; log-odds of p = 0.999 are off by 1000 times what p is, 2^-22.
"""


@given(cases())
def test_the_form_for_pytorch_gives_the_same_gates(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    for members in (rule.select(logits)[0], members_of([route] * len(logits), rule.experts)):
        found = rule.torch_gates(torch.from_numpy(members), torch.from_numpy(logits))
        np.testing.assert_allclose(
            found.numpy(), rule.gates(members, logits), rtol=0, atol=TORCH_TOLERANCE
        )


@given(cases(elements=st.integers(-20, 20).map(float)))
def test_the_form_inside_of_a_graph_gives_the_same_routes_and_gates(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    if not isinstance(rule, GraphRule):
        return
    logits = logits + np.arange(rule.experts, dtype=np.float32) / 64  # no ties
    imposed = rule.graph_gates(torch.from_numpy(logits), lambda rows: rows[:, list(route)]).numpy()
    wanted = rule.gates(members_of([route] * len(logits), rule.experts), logits)
    np.testing.assert_allclose(imposed, wanted[:, list(route)], rtol=0, atol=TORCH_TOLERANCE)
    experts, gates = (part.numpy() for part in rule.graph_select(torch.from_numpy(logits)))
    assert experts.shape == gates.shape == (len(logits), rule.longest)
    assert (np.diff(np.sort(experts, axis=1), axis=1) > 0).all()
    _, wanted = rule.select(logits)
    # The engine's softmax and its sums differ in their last bits: only a clear route is compared.
    clear = rule.margins(logits) > TORCH_TOLERANCE
    found = np.zeros(logits.shape, np.float32)
    np.put_along_axis(found, experts, gates, axis=1)
    np.testing.assert_allclose(found[clear], wanted[clear], rtol=0, atol=TORCH_TOLERANCE)


@given(cases(), st.integers(0, 2**32 - 1))
def test_logits_of_a_route_select_it_also_where_rounding_moves_them(case, seed):
    rule, _, route = case
    if not isinstance(rule, GraphRule):
        return
    logits = rule.logits_of(route)
    if logits is None:
        # Nothing but a tie of all experts gives them, and that one gives only the lowest.
        assert rule.p * rule.experts - (len(route) - 1) < 1e-3 * rule.experts
        return
    exact = np.float32([logits])
    moved = exact + np.random.default_rng(seed).uniform(-1, 1, exact.shape) * (
        1e-5 * np.maximum(np.abs(exact), 1)
    )
    for row in (exact, np.float32(moved)):
        members, gates = rule.select(row)
        assert route_of(members[0]) == route
        assert gates[members].min() > 0.3 * gates[members].max()


@given(cases(elements=VISIBLE))
def test_the_form_for_pytorch_has_finite_gradients(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    members = torch.from_numpy(members_of([route] * len(logits), rule.experts))
    given_logits = torch.from_numpy(logits).requires_grad_()
    (rule.torch_gates(members, given_logits) ** 2).sum().backward()
    assert torch.isfinite(given_logits.grad).all()


@given(cases())
def test_a_rule_has_words(case):
    rule, _, _ = case
    assert str(rule.experts) in rule.describe()
    router = router_of(rule)
    assert len(rule.describe()) < 100 + (LONGEST_NOTE if router.kept is not None else 0)
