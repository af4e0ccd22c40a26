"""Times of preprocessing in two languages: they are of the same numbers, and what a ratio is."""

import kotlin_runner
import numpy as np
import pytest

from mvmoe_deploy.preprocessing.spec import Preprocessing
from own_standing import kotlin_preprocessing
from own_standing.kotlin_preprocessing import measure, ratio

SPEC = Preprocessing(height=16, width=16, interpolation="bilinear")


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (24, 40, 3), np.uint8)


@pytest.mark.skipif(bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}")
def test_every_round_has_each(picture):
    kotlin_runner.build()
    times = measure(picture, SPEC, rounds=2, warmup=1)
    assert {name: len(found) for name, found in times.items()} == {
        "Kotlin": 2,
        "Pillow's resize": 2,
        "mvmoe_deploy": 2,
    }
    assert all(spent > 0 for found in times.values() for spent in found)


@pytest.mark.skipif(bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}")
def test_other_numbers_are_no_measurement(picture, monkeypatch):
    kotlin_runner.build()
    other = kotlin_preprocessing.preprocess
    monkeypatch.setattr(
        kotlin_preprocessing, "preprocess", lambda image, spec: other(image, spec) + 0.01
    )
    with pytest.raises(kotlin_preprocessing.EngineError, match="add up to"):
        measure(picture, SPEC, rounds=1, warmup=0)


def test_a_ratio_is_the_median_of_the_rounds():
    times = {"Kotlin": [1.0, 2.0, 9.0], "Pillow's resize": [2.0, 2.0, 3.0]}
    middle, low, high = ratio(times, "Pillow's resize")
    assert middle == 1.0
    assert low == 0.5
    assert high == 3.0
