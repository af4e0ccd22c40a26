"""Each verdict at both sides of its threshold, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.router_health import (
    ModelSource,
    RouteCounts,
    count_routes,
    judge,
    margin_spread,
    worst_verdict,
)
from mvmoe_deploy.router_health.judging import entropy, is_worse
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK


def counts(*images, stage=1, possible=None):
    """Of a router that selects one expert: the images of each."""
    routes = {(expert,): n for expert, n in enumerate(images) if n}
    known = len(images) if possible is None else possible
    return RouteCounts(stage, len(images), "a rule", routes, sum(images), possible=known)


def verdict(*images):
    return judge(counts(*images)).verdict


def of_members(members, rule=None, groups=None):
    members = np.asarray(members, bool)
    return judge(count_routes(1, rule or TopK(experts=members.shape[1]), members, groups))


def test_collapsed_from_368_images_on_one_route():
    assert verdict(0, 368) == "collapsed"
    found = judge(counts(0, 367))
    # By 367 images the other of two experts is unused for certain, the collapse is not.
    assert found.verdict == "unused-experts"
    (question,) = found.open_questions
    assert (question.verdict, question.images_needed) == ("collapsed", 368)
    commands = [advice.command or "" for advice in found.findings[0].advice]
    assert "--constant-route 1:1 " in commands[0] and "--keep-experts 1:1 " in commands[1]


def test_collapsed_by_the_lower_end_not_by_the_share():
    assert verdict(15, 4985) == "collapsed"  # 99.7%, from 99.51%
    assert verdict(45, 4955) == "unused-experts"  # 99.1%, from 98.8%


def test_the_finding_names_route_and_figures_and_what_to_paste():
    found = judge(counts(0, 0, 0, 500, stage=2), ModelSource("runs/a --weights ema", "a"))
    finding = found.findings[0]
    assert finding.experts == [3] and finding.threshold == 0.99
    assert finding.value == pytest.approx(0.025 ** (1 / 500))
    commands = [advice.command for each in found.findings for advice in each.advice]
    export = "mvmoe export runs/a --weights ema"
    assert f"{export} --constant-route 2:3 -o a-constant.mvmoe" in commands
    assert f"{export} --keep-experts 2:3 -o a-smaller.mvmoe" in commands


def test_a_command_keeps_what_the_export_has_fixed_and_counts_stages_as_the_model_does():
    """The bundle's stage 1 is the model's second, and its stage 2 the fourth."""
    source = ModelSource("it", "it", constant={1: (0, 3), 3: (1,)}, kept={2: (3, 5), 4: (0, 1)})
    fixed = "mvmoe export it --constant-route 1:0,3 --constant-route 3:1"
    assert source.export("--keep-experts", 1, (3,), "smaller") == (
        f"{fixed} --keep-experts 4:0,1 --keep-experts 2:3 -o it-smaller.mvmoe"
    )
    assert source.export("--constant-route", 2, [1], "constant") == (
        f"{fixed} --keep-experts 2:3,5 --constant-route 4:1 -o it-constant.mvmoe"
    )


def test_commands_quote_what_a_shell_would_read():
    source = ModelSource.of_checkpoint("my runs/it", "it", weights="ema")
    assert source.words == "'my runs/it' --weights ema"
    own = ModelSource.of_factory("own.py:make", "w.pt")
    assert (own.words, own.name) == ("--model own.py:make --checkpoint w.pt", "make")


def test_unused_below_a_tenth_of_an_even_share():
    # Four experts: 2.5%. None of 146 images is below it by the upper end, none of 145 is not.
    assert verdict(0, 49, 49, 48) == "unused-experts"
    found = judge(counts(0, 49, 48, 48))
    assert found.verdict is None and "146 images" in found.reason
    assert [question.images_needed for question in found.open_questions] == [146]
    assert verdict(10, 330, 330, 330) == "unused-experts"  # 1%, to 1.83%
    assert verdict(20, 327, 327, 326) is None  # 2%, to 3.07%
    assert verdict(25, 325, 325, 325) == "healthy"  # as many as the threshold


def test_unused_experts_are_named_with_those_to_keep():
    finding = judge(counts(500, 0, 500, 0)).findings[0]
    assert (finding.verdict, finding.experts) == ("unused-experts", [1, 3])
    assert "--keep-experts 1:0,2 " in finding.advice[0].command


def test_imbalanced_below_half_of_the_experts():
    below = judge(counts(860, 20, 20, 20, 20, 20, 20, 20))
    assert below.verdict == "imbalanced"
    assert below.effective_experts == pytest.approx(
        np.exp(-(0.86 * np.log(0.86) + 7 * 0.02 * np.log(0.02)))
    )
    assert verdict(*[100] * 8) == "healthy"


def test_exactly_half_is_not_imbalanced():
    # Two of four experts have all images, evenly: exp(H) = 2 = E / 2.
    found = judge(counts(15, 15, 0, 0))
    assert found.effective_experts == pytest.approx(2.0)
    assert "imbalanced" not in [finding.verdict for finding in found.findings]
    assert [f.verdict for f in judge(counts(16, 14, 0, 0)).findings] == ["imbalanced"]


def test_all_that_holds_is_listed_the_worst_first():
    found = judge(counts(1000, 0, 0, 0))
    assert [f.verdict for f in found.findings] == ["collapsed", "unused-experts", "imbalanced"]
    assert found.verdict == "collapsed" and found.reason is None


def test_fewer_than_30_images_have_figures_and_no_verdict():
    found = judge(counts(0, 29))
    assert (found.verdict, found.findings, found.open_questions) == (None, [], [])
    assert found.reason == "29 of 29 images reach the stage; a verdict needs 30"
    assert found.routes[0].images == 29 and found.effective_experts == 1
    assert judge(counts(14, 16)).verdict == "healthy"


def test_few_images_on_one_route_are_not_called_healthy():
    found = judge(counts(0, 40))
    assert found.verdict is None and "368 images" in found.reason


def test_shares_of_experts_sum_to_one_where_a_route_has_several():
    members = [[1, 1, 0]] * 50 + [[0, 1, 1]] * 50
    found = of_members(members, TopK(experts=3, k=2))
    assert [use.images for use in found.experts_used] == [50, 100, 50]
    assert found.expert_entropy == pytest.approx(0.25 * np.log(4) * 2 + 0.5 * np.log(2))
    assert found.effective_routes == pytest.approx(2.0)
    assert found.routes_possible == 3


def test_where_there_is_one_route_nothing_is_decided():
    found = of_members(np.ones((50, 2)), TopK(experts=2, k=2))
    assert (found.verdict, found.decides) == (None, False)
    # A threshold may select all experts, and others: that all images do is a collapse.
    assert (
        of_members(np.ones((400, 2)), Threshold(experts=2, thresholds=(0.0, 0.0))).verdict
        == "collapsed"
    )


def test_experts_that_an_export_has_left_out_are_not_judged():
    members = np.eye(3, dtype=bool)[[0, 2] * 200]
    found = of_members(members, TopK(experts=3).among((0, 2)))
    assert (found.verdict, found.experts) == ("healthy", 2)
    assert [use.expert for use in found.experts_used] == [0, 2]
    assert found.thresholds.unused_share == 0.05
    assert of_members(members).verdict == "unused-experts"


def test_what_a_caller_chooses_is_not_judged():
    rule = Given(experts=2, named={"a": (0,), "b": (1,)})
    found = of_members([[1, 0]] * 400, rule)
    assert (found.verdict, found.decides) == (None, False)
    assert found.reason.startswith("no router decides")
    routed = Given(experts=2, named={"a": (0,)}, otherwise=TopK(experts=2))
    assert of_members([[1, 0]] * 400, routed).verdict == "collapsed"


def test_images_that_were_finished_before_do_not_count():
    members = np.zeros((500, 2), bool)
    members[:40, 0] = members[40:80, 1] = True
    found = of_members(members)
    assert (found.images, found.images_before, found.verdict) == (80, 500, "healthy")
    members[10:] = False
    assert of_members(members).reason == "10 of 500 images reach the stage; a verdict needs 30"


def test_classes_have_the_images_of_each_expert():
    members = np.eye(2, dtype=bool)[[0, 0, 1, 1]]
    found = of_members(members, groups=["b", "a", "a", "a"])
    assert [(use.name, use.images, use.experts) for use in found.classes] == [
        ("a", 3, [1, 2]),
        ("b", 1, [1, 0]),
    ]


def test_the_worst_of_the_stages():
    healthy, collapsed, few = (judge(counts(*n)) for n in ((50, 50), (0, 400), (3, 3)))
    chosen = of_members([[1, 0]] * 400, Given(experts=2, named={"a": (0,)}))
    assert worst_verdict([healthy, collapsed]) == "collapsed"
    assert worst_verdict([healthy, chosen]) == "healthy"
    assert worst_verdict([healthy, few]) is None
    assert worst_verdict([chosen]) is None
    assert is_worse("collapsed", "unused-experts") and is_worse(None, "healthy")
    assert not is_worse(None, "imbalanced") and not is_worse("healthy", "healthy")


def test_margins_and_how_many_are_near_a_tie():
    logits = np.array([[10.0, 0.0], [0.0, 0.15], [0.0, 5.0]], np.float32)
    found = margin_spread(TopK(experts=2).margins(logits), logits)
    assert (found.min, found.max) == pytest.approx((0.15, 10.0), abs=1e-6)
    # Two hundredths of the largest logit.
    assert found.near_tie_limit == pytest.approx(0.2)
    assert found.near_ties.images == 1
    assert margin_spread(np.array([np.inf]), logits[:1]) is None


def test_entropy_of_equal_shares_is_the_logarithm_of_their_number():
    assert entropy([7] * 5) == pytest.approx(np.log(5))
    assert entropy([3, 0]) == 0 and entropy([0]) is None


@given(
    st.lists(st.integers(0, 4), min_size=30, max_size=400),
    st.permutations(range(5)),
    st.randoms(use_true_random=False),
)
def test_order_and_names_change_nothing_but_names(experts, names, random):
    before = of_members(np.eye(5, dtype=bool)[experts])
    renamed = [names[expert] for expert in experts]
    random.shuffle(renamed)
    after = of_members(np.eye(5, dtype=bool)[renamed])
    assert after.verdict == before.verdict
    assert (after.expert_entropy, after.route_entropy) == (
        before.expert_entropy,
        before.route_entropy,
    )
    assert [after.experts_used[names[use.expert]].high for use in before.experts_used] == [
        use.high for use in before.experts_used
    ]
    for ours, theirs in zip(before.findings, after.findings, strict=True):
        assert (ours.verdict, ours.value) == (theirs.verdict, theirs.value)
        if ours.verdict != "imbalanced":  # of equally busy ones the lowest are named
            assert sorted(names[expert] for expert in ours.experts) == theirs.experts


@given(st.lists(st.integers(0, 3000), min_size=2, max_size=6).filter(lambda n: sum(n) >= 30))
def test_a_verdict_is_what_its_definition_says(images):
    found, total, experts = judge(counts(*images)), sum(images), len(images)
    holds = []
    if found.routes[0].low >= 0.99:
        holds.append("collapsed")
    if any(use.high < 0.1 / experts for use in found.experts_used):
        holds.append("unused-experts")
    shares = np.array([n / total for n in images if n])
    if np.exp(-(shares * np.log(shares)).sum()) < experts / 2 - 1e-9:
        holds.append("imbalanced")
    assert [finding.verdict for finding in found.findings] == holds
    assert found.verdict == (holds[0] if holds else None if found.open_questions else "healthy")
