"""The choices of weights and input on the command line, from a checkpoint to `inspect`."""

import json
from dataclasses import asdict

import msgspec
import pytest
import torch

from mvmoe_deploy import cli
from mvmoe_deploy.models import Checkpoint, build, load_for_bundle, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig

CONFIG = MobileVMoEConfig(
    image_size=8, patch_size=4, num_classes=3, width=8, depth=2, heads=2, experts=2, moe_layers=1
)
TRAINED = ("--mean", "0.5", "--std", "0.5", "--crop", "0.9", "--resize-rule", "timm")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A configuration, and a file with raw and averaged weights."""
    folder = tmp_path_factory.mktemp("files")
    text = json.dumps({"family": "mobile_vmoe", "config": asdict(CONFIG)})
    (folder / "tiny.json").write_text(text, encoding="utf-8-sig")
    raw, average = (build(CONFIG, seed=seed).state_dict() for seed in (0, 1))
    torch.save({"state_dict": raw, "state_dict_ema": average}, folder / "model_best.pth.tar")
    return folder / "tiny.json", folder / "model_best.pth.tar"


@pytest.fixture(scope="module")
def bundle(files, tmp_path_factory):
    """A bundle of the averaged weights, with an input that options have stated in part."""
    config, weights = files
    path = tmp_path_factory.mktemp("bundle") / "b"
    words = ["export", str(weights), "-o", str(path), "--config", str(config), *TRAINED]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--weights", "state_dict_ema"])
    assert ended.value.code == 0
    return path


def test_two_sets_of_weights_are_refused_with_their_names(mvmoe, files, tmp_path):
    config, weights = files
    code, out, err = mvmoe("export", weights, "-o", tmp_path / "b", "--config", config)
    assert (code, out) == (2, "")
    assert "state_dict, state_dict_ema; choose one with --weights KEY" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "b").exists()


def test_export_says_in_one_line_each_what_it_chose_and_guessed(mvmoe, files, tmp_path):
    config, weights = files
    words = ("export", weights, "-o", tmp_path / "b", "--config", config, "--skip-verify")
    code, out, err = mvmoe(*words, "--weights", "state_dict", *TRAINED, "--json")
    assert code == 0
    notes = json.loads(out)["notes"]
    assert [line for line in err.splitlines() if line in notes] == notes  # Among lines of progress.
    assert notes == [
        "weights: state_dict",
        "input: neither the checkpoint nor an option states these, so they are defaults: "
        "channel_order RGB; interpolation bicubic (give --channel-order, --interpolation if the "
        "model was trained with others)",
    ]


def test_inspect_marks_defaults_and_options(mvmoe, bundle):
    code, out, _ = mvmoe("inspect", bundle)
    assert code == 0
    assert "  weights: state_dict_ema of the checkpoint\n" in out
    assert (
        "  input: 3 x 8 x 8; channel_order RGB (default); resize timm (option); crop_fraction 0.9 "
        "(option); interpolation bicubic (default); mean 0.5, 0.5, 0.5 (option); std 0.5, 0.5, 0.5 "
        "(option)\n"
    ) in out
    _, out, _ = mvmoe("inspect", bundle, "--json")
    origins = json.loads(out)["input_origins"]
    assert (origins["mean"], origins["interpolation"]) == ("option", "default")


def test_verify_takes_the_weights_and_the_input_of_the_bundle(mvmoe, bundle, files):
    config, weights = files
    words = ("verify", bundle, "--checkpoint", weights, "--config", config)
    assert mvmoe(*words)[0] == 0
    assert mvmoe(*words, "--weights", "state_dict_ema")[0] == 0
    code, _, err = mvmoe(*words, "--weights", "state_dict")  # other weights: other answers
    assert (code, "error" in err) == (1, True)


def test_the_models_of_a_bench_are_those_of_the_bundle(bundle, files):
    from mvmoe_bench.measure.planning.models import Models
    from mvmoe_deploy.bundle import Bundle

    opened = Bundle.open(bundle)
    models = Models(
        bundles={"b": opened},
        checkpoints={"b": files[1]},
        config=str(files[0]),
        weights=None,
        inputs=None,
        queries={},
        folder=bundle.parent,
        cache=None,
    )
    models.load()
    assert models.weights_of(opened.manifest) == "state_dict_ema"


def test_the_input_of_a_model_loaded_for_a_bundle_is_the_bundles(bundle, files):
    from mvmoe_deploy.bundle import Bundle

    manifest = Bundle.open(bundle).manifest
    loaded = load_for_bundle(files[1], manifest, CONFIG)
    assert loaded.model.input == manifest.input
    # What the checkpoint itself states is compared, not taken over.
    stated = msgspec.structs.replace(
        manifest, source=msgspec.structs.replace(manifest.source, input={"mean": "checkpoint"})
    )
    assert load_for_bundle(files[1], stated, CONFIG).model.input.mean == (0.485, 0.456, 0.406)


LETTERBOX = {
    "resize": "letterbox",
    "pad_level": 0,
    "pad_place": "right-bottom",
    "pad_rounding": "down",
    "crop_fraction": 1.0,
}


@pytest.mark.parametrize("first", ["checkpoint", "bundle"])
def test_the_rule_of_the_bundle_replaces_all_fields_of_the_checkpoints_rule(bundle, files, first):
    """Whichever of the two has the letterbox: no field of the other's rule is left."""
    from mvmoe_deploy.bundle import Bundle

    manifest = Bundle.open(bundle).manifest
    if first == "bundle":
        given = msgspec.structs.replace(manifest.input, **LETTERBOX)
        manifest = msgspec.structs.replace(manifest, input=given)
        path = files[1]
    else:
        model = build(CONFIG, msgspec.structs.replace(manifest.input, **LETTERBOX), seed=0)
        path = bundle.parent / "letterbox"
        if not path.exists():
            save_checkpoint(Checkpoint(model), path)
        source = msgspec.structs.replace(manifest.source, weights=None)
        manifest = msgspec.structs.replace(manifest, source=source)
    config = CONFIG if first == "bundle" else None
    loaded = load_for_bundle(path, manifest, config)
    assert loaded.model.input == manifest.input


WRONG = {
    ("--pad-level", "0"): "pad_level 0 belongs to another rule than timm",
    ("--pad-level", "256", "--resize-rule", "letterbox"): "256 is not in the range",
    ("--pad-place", "left"): "'left' is not one of",
    ("--crop", "0.9", "--resize-rule", "letterbox"): "leave out --crop",
    ("--mean", "a,b"): "expected numbers as in 0.5,0.5,0.5",
    ("--mean", "0.5,0.5"): "mean has 2 values",
    ("--crop", "232"): "pixels belong to --resize-rule torchvision",
    ("--crop", "1.5", "--resize-rule", "torchvision"): "neither a fraction",
    ("--interpolation", "area"): "'area' is not one of",
    ("--resize-rule", "crop"): "'crop' is not one of",
}


@pytest.mark.parametrize("words", WRONG)
@pytest.mark.parametrize("command", ["init", "export"])
def test_statements_that_make_no_input_are_one_sentence(mvmoe, files, tmp_path, words, command):
    config, weights = files
    arguments = {
        "init": ("init", config, "-o", tmp_path / "o"),
        "export": ("export", weights, "-o", tmp_path / "o", "--config", config, "--weights",
                   "state_dict"),
    }[command]  # fmt: skip
    code, _, err = mvmoe(*arguments, *words)
    assert code == 2
    assert WRONG[words] in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_init_writes_what_was_said_and_marks_the_rest(mvmoe, files, tmp_path):
    assert mvmoe("init", files[0], "-o", tmp_path / "c", *TRAINED)[0] == 0
    header = json.loads((tmp_path / "c" / "config.json").read_text())
    assert header["preprocessing"]["mean"] == [0.5, 0.5, 0.5]
    assert header["guessed"] == ["channel_order", "interpolation"]


def test_init_writes_the_padding_of_a_letterbox(mvmoe, files, tmp_path):
    words = ("--resize-rule", "letterbox", "--pad-place", "right-bottom", "--pad-rounding", "down")
    assert mvmoe("init", files[0], "-o", tmp_path / "c", *words)[0] == 0
    header = json.loads((tmp_path / "c" / "config.json").read_text())
    spec = header["preprocessing"]
    assert (spec["resize"], spec["pad_level"], spec["pad_place"], spec["pad_rounding"]) == (
        "letterbox",
        114,
        "right-bottom",
        "down",
    )
    assert header["guessed"] == ["channel_order", "pad_level", "interpolation", "mean", "std"]


def test_training_is_asked_the_same(mvmoe, tmp_path):
    code, _, err = mvmoe("train", "-o", tmp_path / "run", "--mean", "0.1,0.2")
    assert (code, "mean has 2 values" in err) == (2, True)
