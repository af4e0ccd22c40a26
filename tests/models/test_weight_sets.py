"""Which weights a file holds: several sets, wrappers, prefixes, and what decides what a file is."""

import argparse
import dataclasses
import gzip
import json
import pathlib
import re
import shutil
import zipfile

import numpy as np
import pytest
import torch
from expected_errors import raises
from safetensors.torch import save_file

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models import InputChoices, build, load_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig

CONFIG = MobileVMoEConfig(
    image_size=16, patch_size=4, in_channels=1, num_classes=3, width=8, depth=2, heads=2,
    experts=3, moe_layers=1,
)  # fmt: skip


def weights(seed):
    return dict(build(CONFIG, seed=seed).state_dict())


RAW, AVERAGE = weights(0), weights(1)


def below(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


@pytest.fixture
def saved(tmp_path):
    """Writes a content as a PyTorch file and gives its path."""

    def save(content, name="w.pt"):
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


def load(path, weights=None):
    return load_checkpoint(path, CONFIG, weights=weights)


def refused(path, code, weights=None, *, words=None, **fields):
    """The sentence of the error with this code and, if there are any, these fields."""
    with pytest.raises(CheckpointError) as caught:
        load(path, weights)
    assert re.search(words or "", str(caught.value))
    assert caught.value.code == code
    assert {name: caught.value.fields[name] for name in fields} == fields
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500  # no list of a hundred keys
    return str(caught.value)


def is_(checkpoint, state):
    loaded = checkpoint.model.state_dict()
    return all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


SEVERAL = {
    "timm": ({"state_dict": RAW, "state_dict_ema": AVERAGE, "epoch": 3}, "state_dict_ema"),
    "two averages": ({"ema_a": RAW, "ema_b": AVERAGE}, "ema_b"),
    "model and average": ({"model": RAW, "model_ema": AVERAGE}, "model_ema"),
    "deeper": (
        {"state_dict": RAW, "callbacks": {"EMA": {"ema_state_dict": AVERAGE, "decay": 0.9}}},
        "callbacks.EMA.ema_state_dict",
    ),
    "in a list": ({"models": [RAW, AVERAGE]}, "models.1"),
    "teacher": (
        {
            "student": below("module.backbone.", RAW),
            "teacher": below("backbone.", AVERAGE),
        },
        "teacher",
    ),
    "prefixes": (
        {"state_dict": {**below("model.", RAW), **below("ema.", AVERAGE)}},
        "state_dict.ema",
    ),
    "flat": ({**RAW, **below("ema.", AVERAGE)}, "ema"),
    "names without points": (
        {
            **below("model.", RAW),
            **{f"model_ema.{name.replace('.', '')}": value for name, value in AVERAGE.items()},
            "model_ema.decay": torch.tensor(0.9),
        },
        "model_ema",
    ),
    "wrapped and bare": ({**RAW, **below("module.", AVERAGE)}, "module"),
    "bare below a key": ({"net": {**below("model.", RAW), **AVERAGE}}, "net"),
    "a key that begins as optimizer does": ({"model": RAW, "optimal": AVERAGE}, "optimal"),
    "in an optimizer": (
        {"model": RAW, "optimizer_states": [{"state": {}, "param_groups": [], "ema": AVERAGE}]},
        "optimizer_states.0.ema",
    ),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_sets_are_refused_with_their_names_and_chosen_by_key(saved, kind):
    content, name = SEVERAL[kind]
    path = saved(content)
    message = refused(
        path,
        "checkpoint.weights-choice",
        words="holds 2 sets of weights that fit: .*choose one with --weights KEY",
    )
    assert name in message
    assert is_(load(path, name), AVERAGE)
    assert load(path, name).weights is not None
    (other,) = [each for each in message.split(": ")[1].split(";")[0].split(", ") if each != name]
    assert is_(load(path, other), RAW)


def test_the_chosen_set_can_be_loaded_again_by_its_recorded_name(saved):
    for content, name in SEVERAL.values():
        chosen = load(saved(content), name)
        assert is_(load(saved(content), chosen.weights), AVERAGE)


def test_several_sets_of_safetensors_are_refused_too(tmp_path):
    save_file({**below("model.", RAW), **below("ema.", AVERAGE)}, tmp_path / "w.safetensors")
    refused(
        tmp_path / "w.safetensors",
        "checkpoint.weights-choice",
        words="holds 2 sets of weights that fit: ema, model;",
    )
    assert is_(load(tmp_path / "w.safetensors", "ema"), AVERAGE)
    assert is_(load(tmp_path / "w.safetensors", "model"), RAW)


def test_an_average_without_names_is_not_overlooked(saved):
    path = saved({"model": RAW, "ema": {"shadow_params": list(AVERAGE.values())}})
    refused(
        path,
        "checkpoint.weights-choice",
        words=r"holds 2 sets .*ema\.shadow_params has the shapes .* cannot be taken",
    )
    assert is_(load(path, "model"), RAW)


def test_a_key_that_is_not_there_is_refused_with_those_that_are(saved):
    path = saved({"state_dict": RAW, "state_dict_ema": AVERAGE})
    refused(
        path,
        "checkpoint.weights-choice",
        "ema",
        given="ema",
        available=["state_dict", "state_dict_ema"],
    )


@pytest.mark.parametrize(
    "beside",
    [
        {"optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}},
        {"optimizer": {"exp_avg": AVERAGE}},
        {"optimizer_states": [{"exp_avg": AVERAGE}]},
        {"inner": {"state": AVERAGE, "param_groups": []}},
        {"old": {**AVERAGE, "head.weight": torch.zeros(9, 8)}},
        {"half": dict(list(AVERAGE.items())[:20])},
        {"same": dict(RAW)},
        {"same again": {name: tensor.clone() for name, tensor in RAW.items()}},
    ],
    ids=lambda beside: next(iter(beside)),
)
def test_what_is_no_second_set_is_no_candidate(saved, beside):
    checkpoint = load(saved({"state_dict": RAW, **beside}))
    assert is_(checkpoint, RAW)
    assert "weights: state_dict" in checkpoint.notes[0]


def test_a_name_that_two_sets_have_is_refused(saved):
    path = saved({"net": {**below("model.", RAW), **below("module.", AVERAGE)}})
    words = "2 sets of weights called net; give one of net.model, net.module"
    refused(path, "checkpoint.weights-choice", "net", words=words)
    assert is_(load(path, "net.module"), AVERAGE)
    path = saved({"net": RAW, **below("net.", AVERAGE)})
    refused(
        path,
        "checkpoint.weights-choice",
        "net",
        words="2 sets of weights called net; save one state dict",
    )


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        (dict(list(AVERAGE.items())[3:]), "ema has 39 of the model's 42 weights"),
        ({**AVERAGE, "head.weight": torch.zeros(9, 8)}, "ema has other shapes"),
    ],
)
def test_another_set_that_does_not_fit_is_said(saved, beside, words):
    notes = load(saved({"model": RAW, "ema": beside})).notes
    assert f"weights: {words}, and is not taken" in notes
    assert not any("is not taken" in note for note in load(saved({"model": RAW})).notes)


def test_position_embeddings_that_are_resampled_are_said(saved):
    notes = load(saved({**RAW, "pos_embed": torch.zeros(1, 37, 8)})).notes
    assert "weights: pos_embed is resampled from 6 x 6 patches to 4 x 4" in notes
    assert not any("resampled" in note for note in load(saved(RAW)).notes)


def test_keys_and_tensors_of_no_sense_are_refused_in_a_sentence(saved):
    nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged)
    refused(
        saved({**RAW, "norm.bias": nested}),
        "checkpoint.does-not-fit",
        words=r"norm\.bias|more than tensors",
    )
    refused(
        saved({".".join("a" * 200_000): torch.zeros(1)}),
        "checkpoint.does-not-fit",
        words="missing keys",
    )
    refused(
        saved({f"{n}.norm.bias": torch.zeros(8) for n in range(20_000)}),
        "checkpoint.does-not-fit",
        words="missing keys",
    )


def test_a_content_that_holds_itself_is_read(saved):
    content = {"state_dict": RAW}
    content["self"] = content
    assert is_(load(saved(content)), RAW)


# Wrappers and prefixes


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "backbone.",
     "model.module.", "_fsdp_wrapped_module."],
)  # fmt: skip
@pytest.mark.parametrize("form", ["w.pt", "w.safetensors"])
def test_known_wrappers_are_stripped_and_said(tmp_path, prefix, form):
    state = below(prefix, AVERAGE)
    path = tmp_path / form
    save_file(state, path) if form.endswith("safetensors") else torch.save(state, path)
    checkpoint = load(path)
    assert is_(checkpoint, AVERAGE)
    assert checkpoint.notes[0] == f"weights: without the prefix {prefix!r}"


def test_wrappers_of_single_layers_are_stripped_and_said(saved):
    state = {name.replace("blocks.0.", "blocks.0._orig_mod."): t for name, t in AVERAGE.items()}
    checkpoint = load(saved(state))
    assert is_(checkpoint, AVERAGE)
    assert checkpoint.notes[0] == "weights: without _orig_mod inside its keys"


def test_any_other_common_prefix_is_named_in_one_sentence(saved):
    for content in (below("net.", AVERAGE), {"state_dict": below("net.", AVERAGE)}):
        path = saved(content)
        message = refused(
            path,
            "checkpoint.weights-choice",
            words="have the prefix 'net.' before every key, which no known wrapper",
        )
        key = message.partition("give --weights ")[2].partition(" if")[0]
        assert is_(load(path, key), AVERAGE)


def test_a_prefix_of_some_keys_is_refused(saved):
    partly = {
        name if name.startswith("head.") else f"module.{name}": t for name, t in AVERAGE.items()
    }
    message = refused(
        saved(partly),
        "checkpoint.does-not-fit",
        words="40 of the model's 42 keys are with the prefix 'module.', and 2 without",
    )
    assert "head.bias, head.weight" in message


def test_a_second_head_beside_a_wrapped_model_is_refused(saved):
    content = {**below("module.", AVERAGE), "head.weight": RAW["head.weight"]}
    path = saved(content)
    refused(
        path,
        "checkpoint.weights-choice",
        words="all of them with the prefix 'module.', and 1 without a prefix too",
    )
    assert is_(load(path, "module"), AVERAGE)


def test_a_key_that_is_there_twice_in_one_set_is_refused(saved):
    content = {**AVERAGE, "blocks.0._orig_mod.norm1.bias": RAW["blocks.0.norm1.bias"]}
    refused(saved(content), "checkpoint.does-not-fit", words=r"holds blocks\.0\.norm1\.bias twice")


def test_tensors_outside_of_the_wrapper_are_said(saved):
    checkpoint = load(saved({**below("module.", AVERAGE), "n_averaged": torch.tensor(7)}))
    assert is_(checkpoint, AVERAGE)
    assert "leaving out n_averaged" in checkpoint.notes[0]


def test_a_wrapped_model_of_another_size_is_still_refused_by_its_keys(saved):
    deeper = build(
        MobileVMoEConfig(**{**vars(CONFIG), "depth": 3, "moe_layers": 1}), seed=0
    ).state_dict()
    message = refused(
        saved(below("module.", deeper)),
        "checkpoint.does-not-fit",
        words="does not fit a mobile_vmoe",
    )
    assert "module." not in message


def test_a_plain_file_needs_no_word(saved):
    assert not any(note.startswith("weights") for note in load(saved(AVERAGE)).notes)
    assert load(saved(AVERAGE)).weights is None


# The content decides


@pytest.mark.parametrize("name", ["model_best.pth.tar", "w.ckpt", "w.bin", "w", "w.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pytorch_file_of_any_name_is_read(tmp_path, name, zipped):
    torch.save(AVERAGE, tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert is_(load(tmp_path / name), AVERAGE)


@pytest.mark.parametrize("name", ["w.pt", "w.bin", "w.ckpt", "w"])
def test_safetensors_of_any_name_are_read(tmp_path, name):
    save_file(AVERAGE, tmp_path / name)
    assert is_(load(tmp_path / name), AVERAGE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"weights", mtime=0), "is packed by gzip; unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "run git lfs pull"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"GGUF\x03\0\0\0", "a GGUF file"),
    ],
)
def test_what_is_taken_for_weights_is_called_by_its_name(tmp_path, content, words):
    (tmp_path / "w.safetensors").write_bytes(content)
    refused(tmp_path / "w.safetensors", "checkpoint.unsupported", words=words)


@pytest.mark.parametrize("name", ["w.pt", "w.ckpt", "w.safetensors"])
@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_of_a_later_protocol_is_called_so(tmp_path, protocol, zipped, name):
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": zipped}
    torch.save(RAW, tmp_path / name, **options)
    refused(
        tmp_path / name,
        "checkpoint.unsupported",
        words=f"a pickle of protocol {protocol}, .* without pickle_protocol",
    )


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_of_protocol_3_is_read(tmp_path, zipped):
    options = {"pickle_protocol": 3, "_use_new_zipfile_serialization": zipped}
    torch.save(RAW, tmp_path / "w.pt", **options)
    assert is_(load(tmp_path / "w.pt"), RAW)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_archives_of_other_programs_are_called_by_their_names(tmp_path, saved):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    refused(
        tmp_path / "script.pt",
        "checkpoint.unsupported",
        words=r"a TorchScript program; save model.state_dict\(\)",
    )
    np.savez(tmp_path / "w.npz", **{name: value.numpy() for name, value in RAW.items()})
    refused(
        tmp_path / "w.npz",
        "checkpoint.unsupported",
        words="an archive of NumPy; save its arrays as tensors",
    )
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.write(saved(RAW), "inner.pt")
    refused(
        tmp_path / "w.zip",
        "checkpoint.unsupported",
        words="a zip archive that holds inner.pt; unpack it",
    )


def test_an_archive_that_is_cut_off_is_called_so(saved):
    path = saved(RAW)
    path.write_bytes(path.read_bytes()[:-30])
    refused(
        path,
        "checkpoint.damaged",
        words="no whole PyTorch file: its end is missing or damaged; copy or download it again",
    )


def test_the_options_of_a_training_script_beside_the_weights_are_read_over(saved):
    allowed = set(torch.serialization.get_safe_globals())
    options = argparse.Namespace(lr=0.1, output=None, betas=(0.9, 0.99))
    assert is_(load(saved({"state_dict": RAW, "args": options, "arch": "vit"})), RAW)
    assert set(torch.serialization.get_safe_globals()) == allowed


def test_the_files_of_a_directory_are_named(saved, tmp_path):
    saved(RAW, "raw.pt"), saved(AVERAGE, "average.pth")
    refused(
        tmp_path, "checkpoint.missing", words="give one of its files instead: average.pth, raw.pt"
    )
    (tmp_path / ".metadata").touch()
    refused(
        tmp_path,
        "checkpoint.missing",
        words="a distributed checkpoint of PyTorch: make one file of it",
    )


def test_a_part_of_the_weights_is_called_so(saved):
    path = saved(RAW, "pytorch_model-00001-of-00002.bin")
    refused(path, "checkpoint.unsupported", words="one of 2 files that hold the weights together")
    assert is_(load(saved(RAW, "model-00001-of-00001.bin")), RAW)


def test_a_configuration_of_another_program_is_ignored_and_said(tmp_path):
    save_file(RAW, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "vit", "image_size": 16}')
    checkpoint = load(tmp_path)
    assert is_(checkpoint, RAW)
    words = "config.json beside the weights is neither mvmoe's nor timm's"
    assert words in checkpoint.notes[0]
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.no-config"):
        load_checkpoint(tmp_path)


def test_the_class_that_a_pickle_asks_for_is_named(saved):
    path = saved({"state_dict": RAW, "args": argparse.Namespace(output=pathlib.PurePosixPath())})
    refused(
        path,
        "checkpoint.not-a-state-dict",
        words=r"nothing of it was run \(it asks for pathlib\.PurePosixPath\)",
    )


# timm's directory


VIT = {
    "architecture": "vit_tiny_patch16_224",
    "num_classes": 3,
    "label_names": ["a", "b", "c"],
    "pretrained_cfg": {
        "input_size": [3, 32, 32],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "crop_pct": 0.9,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "custom_load": False,
    },
}
VIT_TINY = {"img_size": 32, "patch_size": 16, "depth": 1}


@pytest.fixture(scope="session")
def vit_state():
    from mvmoe_deploy.models.families.vit import ViTConfig

    config = ViTConfig(image_size=32, width=192, depth=1, heads=3, num_classes=3)
    return config, build(config, seed=3).state_dict()


@pytest.fixture
def hub(tmp_path, vit_state):
    """A directory as timm puts it on a hub; `change` alters its config.json."""

    def make(change=lambda content: None, form="model.safetensors"):
        folder = tmp_path / "hub"
        folder.mkdir(exist_ok=True)
        content = json.loads(json.dumps({**VIT, "model_args": dict(VIT_TINY)}))
        change(content)
        (folder / "config.json").write_text(json.dumps(content))
        if form.endswith("safetensors"):
            save_file(vit_state[1], folder / form, {"format": "pt"})
        else:
            torch.save(vit_state[1], folder / form)
        return folder

    return make


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_a_timm_directory_is_read(hub, vit_state, form):
    checkpoint = load_checkpoint(hub(form=form))
    config, state = vit_state
    assert checkpoint.config == config
    assert checkpoint.labels == ["a", "b", "c"]
    assert is_(checkpoint, state)
    spec = checkpoint.model.input
    assert (spec.mean, spec.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (spec.crop_fraction, spec.resize, spec.interpolation) == (0.9, "timm", "bilinear")
    assert checkpoint.model.input_origins == {
        "channel_order": "default",
        **dict.fromkeys(("resize", "crop_fraction", "interpolation", "mean", "std"), "checkpoint"),
    }


def test_a_timm_directory_of_a_model_of_ones_own_takes_its_configuration(hub, vit_state):
    def change(content):
        content.update(architecture="my_vit")

    with raises(CheckpointError, "checkpoint.no-config", found="my_vit"):
        load_checkpoint(hub(change))
    loaded = load_checkpoint(hub(change), vit_state[0])
    assert loaded.model.input.crop_fraction == 0.9


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_a_file_of_such_a_directory_brings_what_is_beside_it(hub, vit_state, form):
    file = hub(form=form) / form
    assert load_checkpoint(file).model.input.crop_fraction == 0.9
    assert load_checkpoint(file, vit_state[0]).model.input.mean == (0.5,) * 3
    (file.parent / "config.json").write_text('{"model_type": "vit"}')
    assert load_checkpoint(file, vit_state[0]).model.input.mean == (0.485, 0.456, 0.406)


def test_an_option_that_contradicts_timms_file_wins_and_is_said(hub):
    said = InputChoices(mean=(0.1,), crop=0.95, resize_rule="squash")
    loaded = load_checkpoint(hub(), choices=said)
    spec = loaded.model.input
    assert (spec.mean, spec.crop_fraction, spec.resize) == ((0.1,) * 3, 0.95, "squash")
    assert loaded.notes[:3] == (
        "input: --resize-rule squash replaces the checkpoint's timm",
        "input: --crop 0.95 replaces the checkpoint's 0.9",
        "input: --mean 0.1, 0.1, 0.1 replaces the checkpoint's 0.5, 0.5, 0.5",
    )


def test_older_files_have_the_fields_beside_the_others(hub):
    def change(content):
        content.update(content.pop("pretrained_cfg"))

    assert load_checkpoint(hub(change)).model.input.mean == (0.5,) * 3


def test_fields_that_are_left_out_are_defaults_and_said(hub):
    def change(content):
        for name in ("mean", "crop_pct", "interpolation"):
            content["pretrained_cfg"].pop(name)

    checkpoint = load_checkpoint(hub(change))
    origins = checkpoint.model.input_origins
    assert [origins[name] for name in ("mean", "crop_fraction", "std")] == [
        "default", "default", "checkpoint",
    ]  # fmt: skip
    assert "crop_fraction 0.875; interpolation bicubic; mean 0.485, 0.456" in checkpoint.notes[-1]


def test_both_kinds_of_weights_in_a_directory_are_said(hub):
    folder = hub()
    hub(form="pytorch_model.bin")
    notes = load_checkpoint(folder).notes
    assert "model.safetensors is read, and pytorch_model.bin beside it is not" in notes[0]


def test_a_size_that_the_configuration_replaces_is_said(hub, vit_state):
    def change(content):
        content["pretrained_cfg"].update(input_size=[3, 64, 64])

    notes = load_checkpoint(hub(change), vit_state[0]).notes
    assert "configuration: image_size 32 replaces the checkpoint's input_size 64" in notes


def _config_invalid(name):
    return "checkpoint.config-invalid", {"name": name}


@pytest.mark.parametrize(
    ("change", "code", "fields"),
    [
        (lambda c: c["pretrained_cfg"].update(mean="0.5"), *_config_invalid("mean")),
        (lambda c: c["pretrained_cfg"].update(mean=[0.5, 0.5]), *_config_invalid("mean")),
        (lambda c: c["pretrained_cfg"].update(std=[0.0] * 3), *_config_invalid("std")),
        (lambda c: c["pretrained_cfg"].update(crop_pct=1.5), *_config_invalid("crop")),
        (lambda c: c["pretrained_cfg"].update(crop_mode="random"), *_config_invalid("resize")),
        (
            lambda c: c["pretrained_cfg"].update(interpolation="box"),
            *_config_invalid("interpolation"),
        ),
        (
            lambda c: c["pretrained_cfg"].update(input_size=[3, 32, 48]),
            *_config_invalid("input_size"),
        ),
        (lambda c: c.update(label_names=["a"]), *_config_invalid("labels")),
        (lambda c: c.update(num_classes=4), *_config_invalid("labels")),
        (
            lambda c: c.update(num_classes=4, label_names=None),
            "checkpoint.does-not-fit",
            {
                "shapes": [
                    "head.bias [3] instead of [4]",
                    "head.weight [3, 192] instead of [4, 192]",
                ]
            },
        ),
        (lambda c: c["model_args"].update(depth=2), "checkpoint.does-not-fit", {"family": "vit"}),
        (lambda c: c["model_args"].update(depth="x"), *_config_invalid("depth")),
        (lambda c: c.update(num_classes=0), *_config_invalid("num_classes")),
        (lambda c: c["model_args"].update(img_size=[32, 32]), *_config_invalid("image_size")),
        (
            lambda c: c["pretrained_cfg"].update(input_size=[1, 32, 32]),
            *_config_invalid("mean"),
        ),
        (lambda c: c.update(global_pool="map"), "checkpoint.no-config", {}),
    ],
)
def test_a_timm_file_that_is_wrong_is_refused(hub, change, code, fields):
    with raises(CheckpointError, code, **fields) as caught:
        load_checkpoint(hub(change))
    assert "\n" not in str(caught.value)


def test_what_timms_head_reads_is_followed(hub, vit_state, images):
    """A model that averages its tokens has the keys of one that reads the CLS token."""
    config, state = vit_state
    averaging = build(dataclasses.replace(config, pool="mean"), seed=0).eval()
    averaging.load_state_dict(state)
    batch = images(config)
    for pool, expected in (("avg", "mean"), ("token", "cls"), (None, "cls")):
        loaded = load_checkpoint(hub(lambda content, pool=pool: content.update(global_pool=pool)))
        assert loaded.config.pool == expected
        assert torch.equal(loaded.model(batch), averaging(batch)) == (expected == "mean")
    notes = load_checkpoint(hub(lambda content: content.update(global_pool="avg")), config).notes
    assert "configuration: pool cls replaces the checkpoint's global_pool mean" in notes


@pytest.mark.parametrize(
    ("field", "name", "option"),
    [
        ("interpolation", "interpolation", {"interpolation": "bicubic"}),
        ("crop_mode", "resize", {"resize_rule": "timm"}),
    ],
)
def test_an_option_stands_for_what_timm_says_in_other_words(hub, field, name, option):
    folder = hub(lambda content: content["pretrained_cfg"].update({field: "random"}))
    with raises(CheckpointError, "checkpoint.config-invalid", name=name):
        load_checkpoint(folder, choices=InputChoices(mean=(0.5,)))
    assert load_checkpoint(folder, choices=InputChoices(**option)).model.input.resize == "timm"


def test_weights_in_several_files_are_refused(hub):
    folder = hub()
    shutil.move(folder / "model.safetensors", folder / "model.safetensors.index.json")
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.unsupported"):
        load_checkpoint(folder)


def test_a_pretrained_cfg_inside_a_pytorch_file_is_read(saved):
    cfg = {"mean": [0.1], "std": [0.2], "crop_pct": 0.95}
    checkpoint = load(saved({"state_dict": RAW, "pretrained_cfg": cfg}))
    assert (checkpoint.model.input.mean, checkpoint.model.input.crop_fraction) == ((0.1,), 0.95)


@pytest.mark.parametrize("kind", [dict, argparse.Namespace])
def test_the_options_of_timms_training_state_the_input(saved, kind):
    options = kind(mean=[0.1], std=None, crop_pct=0.95, interpolation="", lr=0.1)
    checkpoint = load(saved({"arch": "vit", "state_dict": RAW, "args": options}))
    assert (checkpoint.model.input.mean, checkpoint.model.input.crop_fraction) == ((0.1,), 0.95)
    origins = checkpoint.model.input_origins
    assert [origins[name] for name in ("mean", "crop_fraction", "std", "interpolation")] == [
        "checkpoint", "checkpoint", "default", "default",
    ]  # fmt: skip
    of_others = load(saved({"state_dict": RAW, "args": options}))
    assert of_others.model.input_origins["mean"] == "default"
    odd = {"arch": "vit", "args": {"mean": torch.zeros(3)}, "pretrained_cfg": torch.zeros(3)}
    assert load(saved({"state_dict": RAW, **odd})).model.input_origins["mean"] == "default"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_a_configuration_with_a_byte_order_mark_is_read(hub, mark):
    folder = hub()
    text = (folder / "config.json").read_bytes()
    (folder / "config.json").write_bytes(mark + text)
    assert load_checkpoint(folder).config.depth == 1


def test_a_configuration_in_utf_16_is_refused_in_words(hub):
    folder = hub()
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text, encoding="utf-16")
    with pytest.raises(
        CheckpointError, check=lambda error: error.code == "checkpoint.config-invalid"
    ):
        load_checkpoint(folder)
