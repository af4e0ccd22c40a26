"""The usage prior: which ones fit their rules."""

import pytest

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import RouteShare, check_usage_prior
from mvmoe_deploy.routing.top_k import TopK


def shares(*pairs):
    return tuple(RouteShare(route, share) for route, share in pairs)


def test_a_usage_prior_of_its_rules_is_accepted():
    prior = (shares(((0,), 0.25), ((2,), 0.75)),)
    check_usage_prior(prior, [TopK(experts=3)], "the prior")


@pytest.mark.parametrize(
    "prior, words",
    [
        ((), "has 0 stages; expected 1"),
        ((shares(((0,), 1.0)),) * 2, "has 2 stages; expected 1"),
        ((shares(((3,), 1.0)),), "has the route"),
        ((shares(((0, 1), 1.0)),), "has the route"),
        ((shares(((0,), 0.5), ((0,), 0.5)),), "names a route twice"),
        ((shares(((0,), 0.5), ((1,), 0.4)),), "sum to 0.9"),
        (((),), "sum to 0.0"),
    ],
)
def test_a_usage_prior_that_cannot_be_of_its_rules_is_refused(prior, words):
    with pytest.raises(InputError, match=words) as caught:
        check_usage_prior(prior, [TopK(experts=3)], "the prior")
    assert caught.value.code in ("input.option", "routing.unknown-route")
