"""Options: what cannot be trained is refused in one sentence that names the option."""

import math
from pathlib import Path

import pytest

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import preset
from mvmoe_deploy.training import TrainOptions, default_options
from mvmoe_deploy.training.train_options import differing_option


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dense_epochs", 0, "a whole number of at least 1"),
        ("moe_epochs", 2.5, "a whole number of at least 1"),
        ("batch_size", True, "a whole number of at least 1"),
        ("lr", 0.0, "above 0 and at most 10"),
        ("lr", math.nan, "above 0 and at most 10"),
        ("weight_decay", -0.1, "at least 0 and at most 10"),
        ("warmup", 1.5, "at least 0 and at most 1"),
        ("label_smoothing", "0.1", "at least 0 and at most 1"),
        ("clip_norm", math.inf, "at least 0"),
        ("guide_weight", -1.0, "at least 0"),
        ("ema", 1.0, "at least 0 and below 1"),
        ("devices", 0, "a whole number of at least 1"),
        ("devices", "all", "a whole number of at least 1"),
        ("num_nodes", 0, "a whole number of at least 1"),
        ("workers", -1, "a whole number of at least 0"),
        ("threads", 10**8, "a whole number of at least 0 and at most 1,024"),
        ("seed", 2**63, "a whole number of at least 0 and at most 9,223,372,036,854,775,807"),
        ("accelerator", "tpu", "one of auto, cpu, cuda, mps"),
        ("precision", "16-mixed", "one of 32-true, bf16-mixed"),
    ],
)
def test_values_out_of_range_are_refused(tiny_options, name, value, expected) -> None:
    with pytest.raises(InputError) as caught:
        tiny_options(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"training option {name} is {value!r}, but it must be {expected}")


@pytest.mark.parametrize(
    "routings", [("dense",), ("random", "random"), ["super-class"], "super-class"]
)
def test_routings_are_known_and_named_once(tiny_options, routings) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        tiny_options(routings=routings)


def test_without_a_routing_there_are_dense_epochs(tiny_options) -> None:
    assert tiny_options(routings=()).routings == ()
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "dense_epochs"):
        tiny_options(routings=(), start="checkpoint", dense_epochs=0)


def test_a_dense_configuration_is_refused() -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        TrainOptions(config=preset("vit_digits"))
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        default_options(preset("vit_digits"))


def test_defaults_for_digits_are_of_a_minute_and_can_be_changed() -> None:
    options = default_options(preset("digits"), dense_epochs=7)
    assert options.data == "digits"
    assert options.config == preset("digits")
    assert (options.dense_epochs, options.batch_size) == (7, 64)
    assert options.guide_weight == 0.3
    assert options.routings == ("super-class",)


def test_defaults_for_a_folder_count_its_classes(image_folder: Path) -> None:
    options = default_options(preset("mobile_vmoe_6x96_p32_224"), str(image_folder))
    assert options.config.num_classes == 3
    assert options.config.width == 96
    assert (options.dense_epochs, options.batch_size) == (300, 1024)


def test_the_first_difference_is_named() -> None:
    mine = {"lr": 1, "config": {"depth": 2, "width": 8}, "seed": 0}
    assert differing_option(mine, mine) is None
    assert differing_option(mine, {**mine, "seed": 1}) == "seed"
    other = {**mine, "config": {"depth": 2, "width": 16}}
    assert differing_option(mine, other) == "config.width"
    assert differing_option(mine, {**mine, "later": 1}) == "later"
