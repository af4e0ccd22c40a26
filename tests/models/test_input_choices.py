"""What makes the input: stated by a file, said by a person, or a default that is marked as one."""

import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models import Checkpoint, InputChoices, build, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.input_choices import guessed_line, resolve_input, unstated
from mvmoe_deploy.preprocessing import Preprocessing

COLOUR = ViTConfig(image_size=224, patch_size=32, width=16, depth=1, heads=1, num_classes=3)
GREY = ViTConfig(
    image_size=16, patch_size=4, width=8, depth=1, heads=1, num_classes=3, in_channels=1
)
TIMM = {"crop_fraction": 0.9, "resize": "timm", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


def resolved(stated=(), config=COLOUR, guessed=(), **said):
    return resolve_input(config, dict(stated), InputChoices(**said), frozenset(guessed))


def test_without_any_word_everything_is_a_marked_default():
    found = resolved()
    assert found.preprocessing == Preprocessing(
        height=224, width=224, resize="timm", crop_fraction=0.875
    )
    assert found.origins == dict.fromkeys(
        ("channel_order", "resize", "crop_fraction", "interpolation", "mean", "std"), "default"
    )


def test_an_option_goes_before_the_file_and_the_file_before_defaults():
    found = resolved(TIMM, mean=(0.1, 0.2, 0.3), crop=0.95)
    spec = found.preprocessing
    assert (spec.mean, spec.std, spec.crop_fraction) == ((0.1, 0.2, 0.3), (0.5,) * 3, 0.95)
    assert found.origins == {
        "channel_order": "default",
        "resize": "checkpoint",
        "crop_fraction": "option",
        "interpolation": "default",
        "mean": "option",
        "std": "checkpoint",
    }
    assert set(found.replaced) == {
        "--mean 0.1, 0.2, 0.3 replaces the checkpoint's 0.5, 0.5, 0.5",
        "--crop 0.95 replaces the checkpoint's 0.9",
    }


def test_an_option_that_repeats_the_file_replaces_nothing():
    found = resolved(TIMM, mean=(0.5,), crop=0.9)
    assert found.replaced == ()
    assert found.origins["mean"] == "option"


def test_one_number_stands_for_every_channel():
    assert resolved(mean=(0.5,), std=(0.25,)).preprocessing.std == (0.25,) * 3
    assert resolved(config=GREY, mean=(0.4,)).preprocessing.mean == (0.4,)


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ({"crop": 232, "resize_rule": "torchvision"}, "resize_size", 232),
        ({"crop": 0.9, "resize_rule": "torchvision"}, "resize_size", 248),
        ({"resize_rule": "torchvision"}, "resize_size", 256),
        ({"crop": 1, "resize_rule": "torchvision"}, "resize_size", 224),
        ({"crop": 0.9}, "crop_fraction", 0.9),
        ({"resize_rule": "squash"}, "crop_fraction", 1.0),
        ({"resize_rule": "border"}, "crop_fraction", 1.0),
        ({"resize_rule": "squash", "crop": 0.9}, "crop_fraction", 0.9),
    ],
)
def test_the_crop_is_what_the_rule_reads(said, field, value):
    found = resolved(**said)
    assert getattr(found.preprocessing, field) == value
    assert found.origins[field] == ("option" if "crop" in said else "default")


def test_a_fraction_of_the_file_is_kept_when_the_rule_is_another():
    assert resolved(TIMM, resize_rule="torchvision").preprocessing.resize_size == 248
    assert resolved(TIMM, resize_rule="squash").preprocessing.crop_fraction == 0.9


def test_pixels_of_the_file_ask_for_the_crop_when_the_rule_is_another():
    stated = {"resize": "torchvision", "resize_size": 232}
    assert resolved(stated).origins["resize_size"] == "checkpoint"
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        resolved(stated, resize_rule="timm")
    assert resolved(stated, resize_rule="timm", crop=0.9).preprocessing.crop_fraction == 0.9


def test_letterbox_has_a_padding_and_no_crop():
    found = resolved(TIMM, resize_rule="letterbox", pad_place="right-bottom")
    spec = found.preprocessing
    assert (spec.pad_level, spec.pad_place, spec.pad_rounding) == (114, "right-bottom", "nearest")
    assert (spec.crop_fraction, spec.resize_size) == (1.0, None)
    assert "crop_fraction" not in found.origins
    assert {name: found.origins[name] for name in ("pad_level", "pad_place", "resize")} == {
        "pad_level": "default",
        "pad_place": "option",
        "resize": "option",
    }
    assert "--pad-level" in guessed_line(spec, found.origins)


def test_a_padding_of_the_file_goes_with_its_rule():
    stated = {"resize": "letterbox", "pad_level": 0, "pad_place": "around", "pad_rounding": "down"}
    assert resolved(stated).preprocessing.pad_level == 0
    assert resolved(stated).origins["pad_rounding"] == "checkpoint"
    other = resolved(stated, resize_rule="squash").preprocessing
    assert (other.pad_level, other.crop_fraction) == (None, 1.0)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"pad_level": 0}, "pad_level"),
        ({"resize_rule": "letterbox", "crop": 0.9}, "crop"),
        ({"resize_rule": "letterbox", "pad_level": 256}, "pad_level"),
        ({"resize_rule": "letterbox", "pad_place": "left"}, "pad_place"),
        ({"crop": 232}, "crop"),
        ({"crop": 0.0}, "crop"),
        ({"crop": float("nan")}, "crop"),
        ({"crop": 232.5, "resize_rule": "torchvision"}, "crop"),
        ({"crop": -1, "resize_rule": "torchvision"}, "crop"),
        ({"crop": 200, "resize_rule": "torchvision"}, "resize_size"),
        ({"mean": (0.5, 0.5)}, "mean"),
        ({"std": (0.0,)}, "std"),
        ({"mean": (float("nan"),)}, "mean"),
        ({"interpolation": "area"}, "interpolation"),
        ({"resize_rule": "stretch"}, "resize"),
        ({"channel_order": "L"}, "mean"),
    ],
)
def test_statements_that_make_no_input_are_refused(said, name):
    with raises(InputError, "input.option", name=name) as caught:
        resolved(**said)
    assert "\n" not in str(caught.value)


def test_a_line_names_the_defaults_and_how_to_replace_them():
    found = resolved(TIMM)
    assert guessed_line(found.preprocessing, found.origins) == (
        "input: neither the checkpoint nor an option states these, so they are defaults: "
        "channel_order RGB; interpolation bicubic (give --channel-order, --interpolation if the "
        "model was trained with others)"
    )
    told = resolved(TIMM, interpolation="bilinear", channel_order="RGB")
    assert guessed_line(told.preprocessing, told.origins) is None


def test_of_a_module_of_ones_own_the_values_of_defaults_are_marked():
    assert unstated(Preprocessing(height=8, width=8, std=(0.5,) * 3, crop_fraction=0.9)) == (
        dict.fromkeys(("channel_order", "resize", "interpolation", "mean"), "default")
    )
    grey = Preprocessing(height=8, width=8, channel_order="L", mean=(0.5,), std=(0.5,))
    assert set(unstated(grey)) == {"resize", "crop_fraction", "interpolation"}


# Through checkpoints


def test_a_default_stays_one_through_a_checkpoint(tmp_path):
    save_checkpoint(Checkpoint(build(GREY, seed=0)), tmp_path / "c")
    loaded = load_checkpoint(tmp_path / "c")
    assert set(loaded.model.input_origins.values()) == {"default"}
    assert "so they are defaults" in loaded.notes[0]


def test_what_a_model_was_made_with_is_stated_by_its_checkpoint(tmp_path):
    spec = Preprocessing(height=16, width=16, channel_order="L", mean=(0.1,), std=(0.3,))
    save_checkpoint(Checkpoint(build(GREY, spec, seed=0)), tmp_path / "c.safetensors")
    loaded = load_checkpoint(tmp_path / "c.safetensors")
    assert set(loaded.model.input_origins.values()) == {"checkpoint"}
    assert loaded.notes == ()
    said = InputChoices(mean=(0.2,))
    loaded = load_checkpoint(tmp_path / "c.safetensors", choices=said)
    assert loaded.model.input.mean == (0.2,)
    assert loaded.notes == ("input: --mean 0.2 replaces the checkpoint's 0.1",)


def test_weights_alone_are_read_with_marked_defaults_or_with_what_is_said(tmp_path):
    torch.save(build(GREY, seed=0).state_dict(), tmp_path / "w.pt")
    loaded = load_checkpoint(tmp_path / "w.pt", GREY)
    assert set(loaded.model.input_origins.values()) == {"default"}
    said = InputChoices(mean=(0.2,), std=(0.3,), crop=0.9, interpolation="bilinear",
                        resize_rule="torchvision")  # fmt: skip
    loaded = load_checkpoint(tmp_path / "w.pt", GREY, choices=said)
    assert set(loaded.model.input_origins.values()) == {"option"}
    assert loaded.notes == ()
    assert loaded.model.input.resize_size == 17


def test_a_statement_that_does_not_fit_the_checkpoint_is_refused(tmp_path):
    save_checkpoint(Checkpoint(build(GREY, seed=0)), tmp_path / "c")
    with raises(InputError, "input.option", name="mean") as caught:
        load_checkpoint(tmp_path / "c", choices=InputChoices(mean=(0.5, 0.5, 0.5)))
    assert not isinstance(caught.value, CheckpointError)


def test_a_routed_model_made_of_a_dense_one_has_its_origins():
    dense = build(GREY, seed=0)
    assert MobileVMoE.from_dense(dense, experts=2, moe_layers=1).input_origins == (
        dense.input_origins
    )
