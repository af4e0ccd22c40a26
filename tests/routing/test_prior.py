"""The usage prior: which ones fit their rules."""

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import RouteShare, check_usage_prior
from mvmoe_deploy.routing.top_k import TopK


def shares(*pairs):
    return tuple(RouteShare(route, share) for route, share in pairs)


def test_a_usage_prior_of_its_rules_is_accepted():
    prior = (shares(((0,), 0.25), ((2,), 0.75)),)
    check_usage_prior(prior, [TopK(experts=3)], "the prior")


@pytest.mark.parametrize(
    ("prior", "code", "fields"),
    [
        ((), "input.option", {"given": 0, "expected": 1}),
        ((shares(((0,), 1.0)),) * 2, "input.option", {"given": 2, "expected": 1}),
        ((shares(((3,), 1.0)),), "routing.unknown-route", {"route": [3]}),
        ((shares(((0, 1), 1.0)),), "routing.unknown-route", {"route": [0, 1]}),
        ((shares(((0,), 0.5), ((0,), 0.5)),), "input.option", {"given": [0]}),
        ((shares(((0,), 0.5), ((1,), 0.4)),), "input.option", {"given": 0.9}),
        (((),), "input.option", {"given": 0.0}),
    ],
)
def test_a_usage_prior_that_cannot_be_of_its_rules_is_refused(prior, code, fields):
    with raises(InputError, code, **fields):
        check_usage_prior(prior, [TopK(experts=3)], "the prior")
