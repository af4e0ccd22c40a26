"""Distributions: what they mean, what is drawn from them, and what is refused."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_bench.measure.planning import distribution
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.top_k import TopK


def manifest(experts=4, k=1, stages=1, prior=None):
    rules = (TopK(experts=experts, k=k),) * stages
    return SimpleNamespace(rules=rules, usage_prior=prior, model=SimpleNamespace(name="tiny"))


def test_shares_in_words_are_routes_with_shares():
    assert distribution.parse("0=0.7,3=0.3", manifest()) == (
        (RouteShare((0,), 0.7), RouteShare((3,), 0.3)),
    )
    assert distribution.parse("2+0=1", manifest(k=2)) == ((RouteShare((0, 2), 1.0),),)


def test_a_file_has_the_form_of_the_manifests_usage_prior(tmp_path):
    path = tmp_path / "shares.json"
    # Editors on Windows write a byte order mark.
    path.write_text(json.dumps([[{"route": [1], "share": 1.0}]] * 2), encoding="utf-8-sig")
    assert distribution.parse(str(path), manifest(stages=2)) == ((RouteShare((1,), 1.0),),) * 2


def test_prior_and_uniform():
    prior = ((RouteShare((2,), 1.0),),)
    assert distribution.parse("prior", manifest(prior=prior)) == prior
    assert distribution.default(manifest(prior=prior)) == prior
    (shares,) = distribution.default(manifest(k=2))
    assert len(shares) == 6 and sum(item.share for item in shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("0=0.5,1=0.4", "input.option", {"name": "usage_prior", "given": 0.9, "expected": 1}),
        ("0=0.5,9=0.5", "routing.unknown-route", {"route": [9]}),
        ("0=0.5,0=0.5", "input.option", {"name": "usage_prior", "given": [0]}),
        ("0+1=1", "routing.unknown-route", {"route": [0, 1]}),
        ("0=nan,1=1", "input.option", {"name": "distribution", "given": "nan"}),
        ("0=-1,1=2", "input.option", {"name": "distribution", "given": "-1"}),
        ("0", "input.option", {"name": "distribution", "given": "0"}),
        ("everything", "input.option", {"name": "distribution", "given": "everything"}),
        ("", "input.option", {"name": "distribution", "given": ""}),
        ("prior", "input.option", {"name": "distribution", "given": "prior"}),
        ("nowhere.json", "input.option", {"name": "distribution", "given": "nowhere.json"}),
    ],
)
def test_what_is_no_distribution_is_refused(text, code, fields):
    with raises(InputError, code, **fields):
        distribution.parse(text, manifest())


@pytest.mark.parametrize("content", ["{", "[]", '[[{"route":[0],"share":2}]]', "[" * 10_000])
def test_a_file_that_is_no_distribution_is_refused(tmp_path, content):
    path = tmp_path / "shares.json"
    path.write_text(content)
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        distribution.parse(str(path), manifest())


def test_equal_shares_of_very_many_routes_are_refused():
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        distribution.uniform((TopK(experts=64, k=4),))


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=8).filter(any),
    st.integers(1, 300),
    st.integers(0, 5),
)
def test_what_is_drawn_is_as_near_as_whole_numbers_can_be(weights, count, seed):
    shares = tuple(
        RouteShare((expert,), weight / sum(weights)) for expert, weight in enumerate(weights)
    )
    drawn = distribution.draw((shares,), count, seed)
    found = Counter(routes[0] for routes in drawn)
    assert len(drawn) == count
    for item in shares:
        assert abs(found[item.route] - item.share * count) < 1
    assert drawn == distribution.draw((shares,), count, seed)
