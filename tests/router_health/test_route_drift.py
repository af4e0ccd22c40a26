"""Images on other routes: who is compared, and whom a margin excuses."""

import numpy as np
import pytest

from mvmoe_deploy.router_health.route_drift import ComparedStage, drift_of


def members(*experts, of=2):
    """Memberships of images that use one expert each; None for one that is finished."""
    rows = np.zeros((len(experts), of), bool)
    for row, expert in zip(rows, experts, strict=True):
        if expert is not None:
            row[expert] = True
    return rows


def compared(wanted, given, margins=None, errors=None):
    count = len(wanted)
    return ComparedStage(
        wanted,
        given,
        np.full(count, 5.0) if margins is None else np.array(margins),
        np.zeros(count) if errors is None else np.array(errors),
    )


def test_images_elsewhere_and_the_near_ties_among_them():
    stage = compared(
        members(0, 0, 1, 1), members(0, 1, 0, 1), [5, 0.01, 5, 5], [0.1, 0.2, 0.3, 0.0]
    )
    found = drift_of("pytorch", [stage], lambda _, error: error / 10)
    (row,) = found.stages
    assert (row.compared, row.other_route, row.near_ties) == (4, 2, 1)
    assert (row.largest_logit_error, row.margin_limit) == pytest.approx((0.3, 0.03))
    assert (row.same_route.images, row.same_route.share) == (2, 0.5)
    assert found.whole_way.low == pytest.approx(0.0676, abs=1e-4)  # two of four, by the tables


def test_an_image_that_left_the_way_is_not_compared_behind_it():
    first = compared(members(0, 1, 0), members(0, 0, 0))
    second = compared(members(1, 1, 0), members(1, 0, 1), errors=[0.1, 9.0, 0.2])
    found = drift_of("onnx", [first, second], lambda _, error: 0.0)
    assert [row.compared for row in found.stages] == [3, 2]
    assert found.stages[1].largest_logit_error == 0.2
    assert found.whole_way.images == 1


def test_images_that_are_finished_in_both_are_the_same_way():
    first = compared(members(0, 0), members(0, 0))
    second = compared(members(None, None), members(None, None))
    found = drift_of("pytorch", [first, second], lambda _, error: 0.0)
    assert found.whole_way.share == 1.0
    assert found.stages[1].same_route is None and found.stages[1].margin_limit is None
