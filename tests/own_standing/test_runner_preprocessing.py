"""Times of preprocessing in two languages: they are of the same numbers, and what a ratio is."""

import kotlin_runner
import numpy as np
import pytest
import swift_runner
from expected_errors import raises

from mvmoe_bench.measure.devices import find_device
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.preprocessing.spec import Preprocessing
from own_standing import runner_preprocessing
from own_standing.runner_preprocessing import measure, ratio

SPEC = Preprocessing(height=16, width=16, interpolation="bilinear")


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (24, 40, 3), np.uint8)


@pytest.fixture(params=["jvm", "swift"])
def device(request):
    runner = {"jvm": kotlin_runner, "swift": swift_runner}[request.param]
    if runner.LACKS:
        pytest.skip(f"this machine lacks {runner.LACKS}")
    runner.build()
    return find_device(request.param)


def test_every_round_has_each(device, picture):
    times = measure(device, picture, SPEC, rounds=2, warmup=1)
    assert {name: len(found) for name, found in times.items()} == {
        device.language: 2,
        "Pillow's resize": 2,
        "mvmoe_deploy": 2,
    }
    assert all(spent > 0 for found in times.values() for spent in found)


def test_other_numbers_are_no_measurement(device, picture, monkeypatch):
    other = runner_preprocessing.preprocess
    monkeypatch.setattr(
        runner_preprocessing, "preprocess", lambda image, spec: other(image, spec) + 0.01
    )
    with raises(EngineError, "engine.failed", name="preprocessing"):
        measure(device, picture, SPEC, rounds=1, warmup=0)


def test_a_ratio_is_the_median_of_the_rounds():
    times = {"Swift": [1.0, 2.0, 9.0], "Pillow's resize": [2.0, 2.0, 3.0]}
    middle, low, high = ratio(times, "Swift", "Pillow's resize")
    assert middle == 1.0
    assert low == 0.5
    assert high == 3.0
