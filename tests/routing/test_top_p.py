"""The rule `top_p`: its definition, its limit, its longest route, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.rule_arithmetic import scores
from mvmoe_deploy.routing.top_p import TopP


@st.composite
def routed_logits(draw):
    """Logits `[B, E]` with many ties, and a rule for them."""
    experts = draw(st.integers(1, 9))
    values = st.one_of(st.sampled_from([-2.0, 0.0, 0.5]), st.floats(-30, 30, width=32))
    logits = draw(hnp.arrays(np.float32, (draw(st.integers(1, 4)), experts), elements=values))
    p = draw(st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.floats(0, 0.9999999)))
    return logits, TopP(experts=experts, p=p, k_max=draw(st.integers(1, experts)))


def by_definition(row, p, k_max):
    """The rule in words: the best experts, one by one, until their scores exceed p."""
    order = sorted(range(len(row)), key=lambda expert: (-row[expert], expert))
    total, route = 0.0, []
    while len(route) < k_max and (not route or total <= p) and len(route) < len(row):
        route.append(order[len(route)])
        total += float(row[route[-1]])
    return tuple(sorted(route))


@given(routed_logits())
def test_selection_follows_its_definition(case):
    """So no route that the definition gives is longer than `longest`."""
    logits, rule = case
    expected = [by_definition(row, rule.p, rule.k_max) for row in scores(logits)]
    assert [route_of(row) for row in rule.select(logits)[0]] == expected


@given(routed_logits())
def test_pytorch_selects_the_same_from_double_scores(case):
    torch = pytest.importorskip("torch")
    logits, rule = case
    values = torch.from_numpy(logits).double().softmax(-1).float()
    ranked, order = values.sort(dim=-1, descending=True, stable=True)
    before = torch.nn.functional.pad(ranked.double().cumsum(-1), (1, 0))[:, :-1]
    inside = (before <= rule.p) & (torch.arange(rule.experts) < rule.k_max)
    members = torch.zeros(logits.shape, dtype=torch.bool).scatter(1, order, inside)
    # Two implementations of exp may round a score differently; a clear route does not notice.
    clear = rule.margins(logits) > 1e-6
    np.testing.assert_array_equal(rule.select(logits)[0][clear], members.numpy()[clear])


def test_a_sum_of_exactly_p_does_not_exceed_it():
    even = np.zeros((1, 4), np.float32)
    lengths = [
        int(TopP(experts=4, p=p, k_max=4).select(even)[0].sum()) for p in (0.0, 0.25, 0.5, 0.75)
    ]
    assert lengths == [1, 2, 3, 4]


def test_ties_go_to_the_lowest_experts():
    rule = TopP(experts=4, p=0.3, k_max=4)
    assert rule.select_one(np.float32([1, 2, 2, 2]))[0] == (1, 2)


def test_gates_are_scores_and_sum_to_one_only_if_renormalized():
    logits = np.float32([3, 1, 2, -1])
    for renormalize in (False, True):
        rule = TopP(experts=4, p=0.7, k_max=3, renormalize=renormalize)
        route, gates = rule.select_one(logits)
        assert route == (0, 2)
        wanted = scores(logits[None])[0, [0, 2]].astype(np.float64)
        wanted = wanted / wanted.sum() if renormalize else wanted
        np.testing.assert_allclose(gates, wanted, rtol=1e-6)  # the scores are rounded first


@pytest.mark.parametrize(
    ("experts", "p", "k_max", "longest", "routes"),
    [
        (8, 0.9, 2, 2, 36),
        (10, 0.9, 3, 3, 175),
        (16, 0.9, 3, 3, 696),
        (10, 0.25, 10, 3, 175),
        (10, 0.0, 10, 1, 10),
        (4, 0.5, 4, 3, 14),
        (4, math.nextafter(0.5, 0), 4, 3, 14),
        (1, 0.999, 1, 1, 1),
    ],
)
def test_its_longest_route_and_how_many_there_are(experts, p, k_max, longest, routes):
    """The best two of four have half of the scores at least, up to what fp32 rounds them by."""
    rule = TopP(experts=experts, p=p, k_max=k_max)
    assert rule.longest == longest
    assert rule.count() == routes == len(list(rule.routes()))


@pytest.mark.parametrize("values", [(1.0, 2), (-0.1, 2), (math.nan, 2), (0.5, 0), (0.5, 5)])
def test_a_rule_that_no_image_could_follow_is_refused(values):
    with pytest.raises(InputError, check=lambda error: error.code == "routing.rule-invalid"):
        TopP(experts=4, p=values[0], k_max=values[1])


def test_its_margin_is_the_nearest_of_three():
    """The next score, the sum that exceeds p, the sum before it; in logits."""

    def margin(shares, p, k_max=4):
        row = np.log(np.array([shares])).astype(np.float32)
        return TopP(experts=4, p=p, k_max=k_max).margins(row)[0]

    odds = lambda share: math.log(share / (1 - share))  # noqa: E731
    shares = (0.5, 0.3, 0.15, 0.05)
    # fp32 logits are off by 1e-7, and p is moved by 2^-22 of it, which log-odds magnify by 5.
    assert margin(shares, 0.78) == pytest.approx(odds(0.8) - odds(0.78), abs=2e-6)
    assert margin(shares, 0.52) == pytest.approx(odds(0.52) - odds(0.5), abs=1e-6)
    assert margin((0.31, 0.3, 0.29, 0.1), 0.45) == pytest.approx(math.log(0.3 / 0.29), abs=1e-6)
    # At the limit it does not matter whether the sum exceeds p.
    assert margin(shares, 0.78, k_max=2) == pytest.approx(math.log(0.3 / 0.15), abs=1e-6)


def test_its_words():
    assert TopP(experts=8, p=0.5, k_max=2).describe() == "top p = 0.5 of 8 experts, at most 2"


@pytest.mark.parametrize(("p", "reached"), [(0.5, False), (0.50001, False), (0.51, True)])
def test_all_experts_have_logits_only_if_p_is_clearly_above_what_all_but_one_have(p, reached):
    """Of two experts with p = 0.5 any difference between their logits ends the route at one."""
    logits = TopP(experts=2, p=p, k_max=2).logits_of((0, 1))
    assert logits == ((0.0, 0.0) if reached else None)
