"""Rows of the page: means, paired differences and dense curves, by other formulas."""

import numpy as np
import pytest
from scipy import stats

from evidence.plan_data import DENSE, FURTHER, UOE, mobile_vmoe
from evidence.row_figures import figures
from evidence.seed_intervals import interval

ROUTED = mobile_vmoe("super-class", 4, 1)


def test_an_interval_is_students():
    values = (0.9, 0.92, 0.97)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = interval(values)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.decides and not interval((-0.1, 0.1, 0.3)).decides
    assert interval([]) is None
    alone = interval([0.5])
    assert (alone.mean, alone.half, alone.seeds) == (0.5, None, 1) and not alone.decides


def test_differences_are_of_pairs_of_a_seed(case, made):
    for seed, (dense, routed) in enumerate([(0.8, 0.82), (0.7, 0.722), (0.6, 0.618)]):
        made(DENSE, "4x32", seed, dense - 0.1)
        made(FURTHER, "4x32", seed, dense)
        results = made(ROUTED, "4x32", seed, routed)
    row = figures(case, (0, 1, 2, 3), results).row(ROUTED.name)
    assert row.over_dense.mean == pytest.approx(0.02)
    # The seeds differ by far more than the pairs do.
    assert row.over_dense.decides and row.over_dense.half < row.top1.half
    assert row.over_dense.half == pytest.approx(interval([0.02, 0.022, 0.018]).half)
    assert figures(case, (0, 1), results).row(ROUTED.name).top1.seeds == 2


def test_models_without_results_are_missing(case, made):
    results = made(FURTHER, "4x32", 0, 0.8)
    found = figures(case, (0,), results)
    assert [row.cell.name for row in found.rows] == [FURTHER.name]
    assert f"4x32: {ROUTED.title}" in found.missing and len(found.missing) == 7
    assert found.row(FURTHER.name).over_dense is None


def test_a_model_is_compared_with_dense_ones_of_its_cost(case, made, timed):
    for size, top1 in (("4x16", 0.6), ("4x32", 0.7), ("4x64", 0.9)):
        results = made(FURTHER, size, 0, top1)
    made(UOE[0], "4x32", 0, 0.7, macs=200_000)
    made(ROUTED, "4x32", 0, 0.75, macs=2_000_000)
    timed(results, "4x16", dense_further=0.1)
    timed(results, "4x32", dense_further=0.2, uoe_images=0.4, super_class_e4_k1=0.2)
    timed(results, "4x64", dense_further=0.8)
    found = figures(case, (0,), results)
    half_way = found.row(UOE[0].name)
    # 200,000 lies in the middle of 100,000 and 400,000 where the axis is logarithmic.
    assert half_way.over_curve.mean == pytest.approx(0.7 - 0.65)
    assert half_way.over_latency_curve.mean == pytest.approx(0.7 - 0.8)
    beyond = found.row(ROUTED.name)
    assert beyond.over_curve is None
    assert beyond.over_latency_curve.mean == pytest.approx(0.05)
    assert np.isclose(beyond.latency.ms, 0.2)
