"""What the contract says of routes: their two forms, and which are refused."""

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import require_route
from mvmoe_deploy.routing.contract import is_ascending, members_of, route_of, routes_up_to
from mvmoe_deploy.routing.top_k import TopK


@given(hnp.arrays(bool, (3, 6)))
def test_a_membership_is_its_routes(members):
    routes = [route_of(row) for row in members]
    np.testing.assert_array_equal(members_of(routes, 6), members)


@pytest.mark.parametrize(
    ("route", "holds"),
    [((), False), ((0,), True), ((0, 2), True), ((2, 0), False), ((1, 1), False), ((0, 3), False),
     ((-1, 0), False), ((3,), False)],
)  # fmt: skip
def test_a_route_is_ascending_experts(route, holds):
    assert is_ascending(route, 3) is holds


@pytest.mark.parametrize("route", [(), (0,), (1, 0), (1, 1), (0, 3), (-1, 0), (0, 1, 2)])
def test_a_route_that_a_rule_cannot_give_is_refused(route):
    with pytest.raises(InputError, check=lambda error: error.code == "routing.unknown-route"):
        require_route(route, TopK(experts=3, k=2), "the log")


def test_the_message_about_a_long_route_is_short():
    with raises(InputError, "routing.unknown-route") as caught:
        require_route(tuple(range(10**5)), TopK(experts=3), "the log")
    assert len(str(caught.value)) < 200


def test_routes_of_any_length_come_by_their_length_and_one_by_one():
    assert list(routes_up_to(2, range(3))) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    # There may be more than memory holds.
    assert next(routes_up_to(4096, range(4096))) == (0,)
