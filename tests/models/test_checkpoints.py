"""Checkpoints: three forms that come back as they were, and everything that must be refused."""

import io
import json
import os
import pickle
import re
import resource
import struct
import subprocess
import sys
import tarfile

import pytest
import torch
from expected_errors import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from mvmoe_deploy.errors import CheckpointError, InputError, OutputError
from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.state_dicts import load_weights
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import RouteShare

CONFIG = MobileVMoEConfig(
    image_size=16, patch_size=4, in_channels=1, num_classes=3, width=8, depth=2, heads=2,
    experts=3, moe_layers=1,
)  # fmt: skip


def checkpoint(config=CONFIG, **fields):
    spec = Preprocessing(height=16, width=16, channel_order="L", mean=(0.1,), std=(0.3,))
    return Checkpoint(build(config, spec, seed=0), **fields)


@pytest.fixture
def model():
    return build(CONFIG, seed=0)


@pytest.fixture(params=["directory", "file"])
def saved(request, tmp_path):
    """A checkpoint written in either form."""
    path = tmp_path / ("c" if request.param == "directory" else "c.safetensors")
    save_checkpoint(checkpoint(), path)
    return path


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(path, code, config=None, *, words=None):
    """The sentence of the error with this code, or one of these codes."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, config)
    assert re.search(words or "", str(caught.value))
    assert caught.value.code in ((code,) if isinstance(code, str) else code)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500
    return str(caught.value)


# What comes back


@pytest.mark.parametrize("name", ["c", "deep/c", "c.safetensors"])
def test_a_saved_checkpoint_comes_back_as_it_was(tmp_path, name):
    prior = ((RouteShare((0,), 0.5), RouteShare((2,), 0.5)),)
    original = checkpoint(labels=["ä", "b", "c"], usage_prior=prior)
    save_checkpoint(original, tmp_path / name)
    loaded = load_checkpoint(tmp_path / name)
    assert loaded.config == original.config
    assert loaded.model.input == original.model.input
    assert loaded.labels == original.labels
    assert loaded.usage_prior == original.usage_prior
    assert loaded.name == "c"
    assert len(loaded.sha256) == 64
    for key, tensor in original.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[key], tensor)


def test_a_loaded_model_evaluates_and_can_be_trained(saved):
    model = load_checkpoint(saved).model
    assert not model.training
    model(torch.randn(2, 1, 16, 16)).sum().backward()
    parameters = list(model.parameters())
    assert all(p.requires_grad and p.is_leaf and p.is_contiguous() for p in parameters)
    assert len({p.untyped_storage().data_ptr() for p in parameters}) == len(parameters)


def test_loading_leaves_the_global_generator(saved):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_checkpoint(saved)
    assert torch.equal(torch.rand(2), expected)


def test_a_loaded_model_does_not_need_its_file_any_more(saved):
    model = load_checkpoint(saved).model
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    file = saved / "model.safetensors" if saved.is_dir() else saved
    file.write_bytes(bytes(file.stat().st_size))
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapper", [None, "model", "state_dict", "model_state_dict"])
def test_a_pytorch_state_dict_loads_with_its_configuration(
    tmp_path, model, suffix, zipped, wrapper
):
    state = model.state_dict()
    path = tmp_path / f"w{suffix}"
    content = {wrapper: state, "epoch": 3} if wrapper else state
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(path, CONFIG)
    assert loaded.config == CONFIG
    assert loaded.labels is None
    for key, tensor in state.items():
        assert torch.equal(loaded.model.state_dict()[key], tensor)


def test_safetensors_without_our_metadata_load_with_a_configuration(tmp_path, model):
    save_file(model.state_dict(), tmp_path / "w.safetensors", {"format": "pt"})
    assert load_checkpoint(tmp_path / "w.safetensors", CONFIG).config == CONFIG
    refused(tmp_path / "w.safetensors", "checkpoint.no-config")


def test_a_directory_of_weights_alone_loads_with_a_configuration(tmp_path, model):
    (tmp_path / "c").mkdir()
    save_file(model.state_dict(), tmp_path / "c" / "model.safetensors")
    assert load_checkpoint(tmp_path / "c", CONFIG).config == CONFIG


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("form", ["w.safetensors", "w.pt"])
def test_weights_of_other_precisions_are_converted(tmp_path, model, dtype, form):
    state = {key: tensor.to(dtype) for key, tensor in model.state_dict().items()}
    path = tmp_path / form
    save_file(state, path) if form.endswith("safetensors") else torch.save(state, path)
    loaded = load_checkpoint(path, CONFIG).model.state_dict()
    for key, tensor in state.items():
        assert loaded[key].dtype == torch.float32
        assert torch.equal(loaded[key], tensor.float())


def test_tied_and_transposed_tensors_of_a_pickle_become_weights_of_their_own(tmp_path, model):
    state = model.state_dict()
    state["blocks.0.norm2.weight"] = state["blocks.0.norm1.weight"]
    state["blocks.0.attn.proj.weight"] = torch.randn(8, 8).T
    torch.save(state, tmp_path / "w.pt")
    loaded = load_checkpoint(tmp_path / "w.pt", CONFIG).model
    block = loaded.blocks[0]
    assert torch.equal(block.attn.proj.weight, state["blocks.0.attn.proj.weight"])
    assert block.attn.proj.weight.is_contiguous()
    assert block.norm1.weight.data_ptr() != block.norm2.weight.data_ptr()


def test_position_embeddings_of_another_image_size_are_resampled(tmp_path, model):
    state = model.state_dict()
    state["pos_embed"] = torch.randn(1, 1 + 7 * 7, 8)
    torch.save(state, tmp_path / "w.pt")
    loaded = load_checkpoint(tmp_path / "w.pt", CONFIG).model
    assert loaded.pos_embed.shape == (1, 17, 8)
    assert torch.equal(loaded.pos_embed[:, 0], state["pos_embed"][:, 0])


def test_the_hash_is_of_the_content(tmp_path):
    for name in ("a", "b"):
        save_checkpoint(checkpoint(), tmp_path / name)
    save_checkpoint(checkpoint(labels=["a", "b", "c"]), tmp_path / "c")
    a, b, c = (load_checkpoint(tmp_path / name).sha256 for name in "abc")
    assert a == b != c


def test_weights_can_be_loaded_into_a_model_that_is_in_use(model):
    """An optimizer holds the parameters: they must stay the same objects."""
    parameters = dict(model.named_parameters())
    other = build(CONFIG, seed=1).state_dict()
    load_weights(model, other, "the test")
    for name, parameter in model.named_parameters():
        assert parameter is parameters[name]
        assert torch.equal(parameter, other[name])


# Weights that do not fit


@pytest.fixture
def altered(tmp_path, model):
    """Loads a file of the model's weights after `change` was made to them."""

    def check(change, words):
        state = dict(model.state_dict())
        change(state)
        save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "w.safetensors")
        path = tmp_path / "w.safetensors"
        return refused(path, "checkpoint.does-not-fit", CONFIG, words=words)

    return check


def test_missing_and_unknown_keys_are_named(altered):
    def rename(state):
        state["head.wait"] = state.pop("head.weight")

    message = altered(rename, "does not fit a mobile_vmoe")
    assert "missing keys: head.weight;" in message
    assert "unknown keys: head.wait" in message


def test_wrong_shapes_are_named_with_both_shapes(altered):
    def change(state):
        state["head.weight"] = torch.zeros(1000, 8)

    altered(change, r"wrong shapes: head.weight \[1000, 8\] instead of \[3, 8\]")


def test_of_many_wrong_keys_some_are_named(altered):
    message = altered(lambda state: state.clear() or state.update(a=torch.zeros(1)), "missing keys")
    assert "more)" in message
    assert "unknown keys: a" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(altered, value):
    def change(state):
        state["blocks.1.attn.qkv.bias"][3] = value

    altered(change, "values that are not finite in: blocks.1.attn.qkv.bias")


def test_weights_that_fp32_cannot_hold_are_named(altered):
    def change(state):
        state["norm.bias"] = torch.full((8,), 1e300, dtype=torch.float64)

    altered(change, "values that are not finite in: norm.bias")


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn]
)
@pytest.mark.parametrize("key", ["norm.bias", "pos_embed"])
def test_tensors_that_are_no_weights_are_named(altered, dtype, key):
    def change(state):
        state[key] = torch.zeros(state[key].shape).to(dtype)

    altered(change, f"no floating-point weights in: {key}")


@pytest.mark.parametrize("shape", [(1, 6, 8), (1, 0, 8), (2, 17, 8), (17, 8), (1, 17, 9)])
def test_position_embeddings_that_do_not_fit_are_refused(altered, shape):
    def change(state):
        state["pos_embed"] = torch.zeros(shape)

    altered(change, "pos_embed")


@pytest.mark.parametrize("make", ["sparse", "meta", "expanded"])
def test_unusual_tensors_of_a_pickle_are_named(tmp_path, model, make):
    tensors = {
        "sparse": lambda: torch.zeros(8).to_sparse(),
        "meta": lambda: torch.zeros(8, device="meta"),
        "expanded": lambda: torch.zeros(1).expand(2**20, 2**20),  # terabytes if anyone looked
    }
    torch.save({**model.state_dict(), "norm.bias": tensors[make]()}, tmp_path / "w.pt")
    large = make == "expanded"
    code = "checkpoint.too-large" if large else "checkpoint.does-not-fit"
    refused(tmp_path / "w.pt", code, CONFIG, words="norm.bias")


# Files that are damaged or hostile


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.99])
def test_truncated_safetensors_are_refused(saved, part):
    file = saved / "model.safetensors" if saved.is_dir() else saved
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    refused(saved, "checkpoint.damaged", words="is no whole safetensors file")


LYING_HEADERS = {
    "longer than the file": struct.pack("<Q", 2**40) + b"{}",
    "of terabytes": struct.pack("<Q", 2**63) + b"{}",
    "not JSON": struct.pack("<Q", 2) + b"ab",
    "nested": struct.pack("<Q", 10_000) + b"[" * 10_000,
    "overlapping": (1, {"a": ["F32", [1], [0, 4]], "b": ["F32", [1], [0, 4]]}, 4),
    "beyond the end": (1, {"a": ["F32", [1000], [0, 4000]]}, 4),
    "shape against bytes": (1, {"a": ["F32", [1000], [0, 4]]}, 4),
    "overflowing shape": (1, {"a": ["F32", [2**32, 2**32], [0, 4]]}, 4),
    "with a hole": (1, {"a": ["F32", [1], [4, 8]]}, 8),
    "unknown type": (1, {"a": ["F31", [1], [0, 4]]}, 4),
}


@pytest.mark.parametrize("header", LYING_HEADERS.values(), ids=LYING_HEADERS)
def test_a_lying_safetensors_header_is_refused(tmp_path, header):
    if isinstance(header, tuple):
        _, tensors, size = header
        fields = {
            name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}
            for name, (dtype, shape, offsets) in tensors.items()
        }
        text = json.dumps(fields).encode()
        header = struct.pack("<Q", len(text)) + text + bytes(size)
    (tmp_path / "w.safetensors").write_bytes(header)
    refused(tmp_path / "w.safetensors", ("checkpoint.damaged", "checkpoint.too-large"), CONFIG)


class Bomb:
    """Pickled code: whoever unpickles it without care creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["alone", "beside weights", "as a key's value"])
def test_code_in_a_pickle_does_not_run(tmp_path, model, zipped, place):
    bomb = Bomb(tmp_path / "exploded")
    contents = {
        "alone": bomb,
        "beside weights": {"model": model.state_dict(), "extra": bomb},
        "as a key's value": {**model.state_dict(), "head.weight": bomb},
    }
    path = tmp_path / "w.pt"
    torch.save(contents[place], path, _use_new_zipfile_serialization=zipped)
    said = "more than tensors, and nothing of it was run"
    refused(path, "checkpoint.not-a-state-dict", CONFIG, words=said)
    assert entries(tmp_path) == ["w.pt"]


def test_code_in_a_bare_pickle_does_not_run(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    refused(tmp_path / "w.pt", "checkpoint.unsupported", CONFIG)
    assert entries(tmp_path) == ["w.pt"]


def test_a_whole_pickled_model_is_refused(tmp_path, model):
    torch.save(model, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "checkpoint.not-a-state-dict", CONFIG)


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"a": 1}, {1: torch.zeros(1)}, torch.zeros(2), "text", None]
)
def test_what_is_no_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "checkpoint.not-a-state-dict", CONFIG)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_pytorch_file_is_refused(tmp_path, model, part, zipped):
    path = tmp_path / "w.pt"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, ("checkpoint.damaged", "checkpoint.not-a-state-dict"), CONFIG)


def test_an_ancient_tar_file_is_refused(tmp_path):
    with tarfile.open(tmp_path / "w.pt", "w") as archive:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            data = pickle.dumps(Bomb(tmp_path / "exploded"))
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    refused(tmp_path / "w.pt", "checkpoint.damaged", CONFIG)
    assert entries(tmp_path) == ["w.pt"]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", bytes(100), b"\x80\x02."])
@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors", "w.bin", "w"])
def test_files_of_other_kinds_are_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, "checkpoint.damaged", CONFIG)


SMALL = {"a": torch.zeros(4), "b": torch.ones(3, dtype=torch.float16)}


@settings(max_examples=120)
@given(
    st.sampled_from(["w.safetensors", "zipped.pt", "legacy.pt"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_altered_bytes_are_refused(tmp_path_factory, name, changes):
    path = tmp_path_factory.getbasetemp() / name
    if name.endswith("pt"):
        torch.save(SMALL, path, _use_new_zipfile_serialization=name == "zipped.pt")
    else:
        save_file(SMALL, path)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[int(place * len(data))] = value
    path.write_bytes(data)
    codes = ("damaged", "not-a-state-dict", "does-not-fit", "unsupported", "too-large")
    refused(path, [f"checkpoint.{code}" for code in codes], CONFIG)  # at best two unknown keys


# Paths


def test_what_is_not_there_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo.pt")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "model.safetensors").mkdir()
    (tmp_path / "config only").mkdir()
    (tmp_path / "config only" / "config.json").write_text("{}")
    refused(tmp_path / "missing", "checkpoint.missing", words="does not exist; give a directory")
    refused(tmp_path / ("a" * 300), "checkpoint.missing")
    refused(tmp_path / "fifo.pt", "checkpoint.missing", CONFIG)
    refused("/dev/zero", "checkpoint.missing", CONFIG)
    for name in ("empty", "odd", "config only"):
        refused(tmp_path / name, "checkpoint.missing", words="has no model.safetensors; expected")


def test_a_configuration_given_twice_is_refused(saved):
    said = "brings its own configuration; leave --config out"
    refused(saved, "checkpoint.invalid", CONFIG, words=said)


# config.json


@pytest.fixture
def with_header(tmp_path):
    """Loads a checkpoint directory whose config.json `change` has altered."""
    path = tmp_path / "c"
    save_checkpoint(checkpoint(), path)

    def check(change, words, code="checkpoint.config-invalid"):
        file = path / "config.json"
        content = json.loads(file.read_text())
        result = change(content)
        text = json.dumps(content) if result is None else result
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return refused(path, code, words=words)

    return check


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: c.update(extra=1), "unknown field `extra`"),
        (lambda c: c.update(version="1"), "Expected `int`"),
        (lambda c: c.pop("family") and None, "missing required field `family`"),
        (lambda c: c.update(family="resnet"), "model family 'resnet' is unknown; installed are"),
        (lambda c: c["config"].update(extra=1), "unknown field 'extra'"),
        (lambda c: c["config"].update(top_k=4), "top_k 4, but it must be 1 to 3"),
        (lambda c: c["config"].update(width="8"), "Expected `int`"),
        (lambda c: c["config"].update(depth=10**9), "must be 1 to 1000"),
        (lambda c: c.update(config=[]), "Expected `object`"),
        (lambda c: c["preprocessing"].update(height=17), "but the model takes"),
        (lambda c: c["preprocessing"].update(std=[0.0]), "is wrong"),
        (lambda c: c["preprocessing"].update(mean=[0.1, 0.1]), "channel order L needs 1"),
        (lambda c: c.update(labels=["a", "b"]), "2 labels for 3 classes"),
        (lambda c: c.update(labels=[1, 2, 3]), "Expected `str`"),
        (lambda c: c.update(usage_prior=[[{"route": [3], "share": 1.0}]]), "has the route"),
        (lambda c: c.update(usage_prior=[[{"route": [0], "share": 0.5}]]), "sum to 0.5"),
        (lambda c: c.update(usage_prior=[]), "has 0 stages"),
        (lambda c: c.update(usage_prior=[[{"route": [0], "share": 2}]]), "Expected `float` <= 1"),
        (lambda _: "", "is wrong"),
        (lambda _: "[]", "is wrong"),
        (lambda _: "{", "is wrong"),
        (lambda _: b'{"format": "\xff"}', "is wrong"),
        (lambda _: '{"format": "\\ud800"}', "is wrong"),
        (lambda _: "[" * 200_000, "is wrong"),
        (lambda _: '{"config": ' * 50_000, "is wrong"),
        (lambda _: '{"version": NaN}', "is wrong"),
        (lambda _: '{"version": 1e999}', "is wrong"),
        (lambda _: '{"version": ' + "9" * 5000 + "}", "is wrong"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(with_header, change, words):
    with_header(change, words)


def test_another_version_or_format_is_refused_by_its_name(with_header):
    code = "checkpoint.unsupported-version"
    said = "version 2; this release reads 'mvmoe-checkpoint'"
    with_header(lambda content: content.update(version=2), said, code)
    with_header(
        lambda content: content.update(version=1, format="other"), "'other' version 1", code
    )


def test_a_configuration_that_is_too_large_is_refused_unread(with_header):
    with_header(lambda _: " " * (16 * 2**20 + 1), "at most 16,777,216", "checkpoint.too-large")


def test_the_configuration_of_one_file_is_checked_too(tmp_path, model):
    metadata = {"mvmoe": '{"format": "mvmoe-checkpoint"}'}
    save_file(model.state_dict(), tmp_path / "c.safetensors", metadata)
    refused(tmp_path / "c.safetensors", "checkpoint.config-invalid")


HUGE = [
    {"width": 65536, "heads": 1024, "depth": 1000},
    {"width": 65536, "heads": 1024, "depth": 1000, "moe_layers": 1000, "experts": 4096},
    {"num_classes": 1_000_000, "width": 65536},
    {"image_size": 1024, "patch_size": 4, "width": 65536},
    {"mlp_ratio": 64.0, "width": 65536, "heads": 1},
]

LOAD_WITH_LITTLE_MEMORY = """
import resource, sys
from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models import load_checkpoint
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**28, now + 2**28))
for path in sys.argv[1:]:
    try:
        load_checkpoint(path)
    except CheckpointError as error:
        print(error)
"""


def test_a_configuration_of_a_huge_model_is_refused_without_its_memory(tmp_path):
    """A quarter of a gigabyte is all that the loading process may take on top of its imports."""
    paths = []
    for index, fields in enumerate(HUGE):
        paths.append(tmp_path / str(index))
        save_checkpoint(checkpoint(), paths[-1])
        file = paths[-1] / "config.json"
        content = json.loads(file.read_text())
        content["config"].update(fields)
        size = content["config"]["image_size"]
        content["preprocessing"].update(height=size, width=size)
        file.write_text(json.dumps(content))
    result = subprocess.run(
        [sys.executable, "-c", LOAD_WITH_LITTLE_MEMORY, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == len(HUGE)
    assert "describes a model of at least 4008 tensors, but it has only 42" in lines[0]
    assert "describes a model of at least 16384000 tensors, but it has only 42" in lines[1]
    assert [line for line in lines[2:] if "wrong shapes" not in line] == []


# Writing


def test_an_existing_checkpoint_is_kept_unless_it_may_be_replaced(saved):
    before = load_checkpoint(saved).sha256
    with pytest.raises(InputError, check=lambda error: error.code == "output.exists"):
        save_checkpoint(checkpoint(labels=["a", "b", "c"]), saved)
    assert load_checkpoint(saved).sha256 == before
    save_checkpoint(checkpoint(labels=["a", "b", "c"]), saved, replace=True)
    assert load_checkpoint(saved).labels == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["c", "c.safetensors"])
def test_labels_and_priors_that_could_not_be_loaded_are_not_saved(tmp_path, name):
    for field, value in [
        ("labels", ["a"]),
        ("labels", ["a", "b", "\ud800"]),
        ("usage_prior", ((RouteShare((7,), 1.0),),)),
    ]:
        with raises(CheckpointError, "checkpoint.config-invalid", name=field):
            save_checkpoint(checkpoint(**{field: value}), tmp_path / name)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("name", ["c", "c.safetensors"])
def test_a_full_disk_leaves_nothing(tmp_path, name):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OutputError, check=lambda error: error.code == "output.no-space"):
            save_checkpoint(checkpoint(), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert entries(tmp_path) == []


@pytest.mark.parametrize("suffix", ["", ".safetensors"])
def test_a_path_that_the_system_cannot_have_is_refused(tmp_path, suffix):
    with pytest.raises(OutputError, check=lambda error: error.code == "output.refused"):
        save_checkpoint(checkpoint(), tmp_path / ("a" * 300 + suffix))
    assert entries(tmp_path) == []


def test_a_checkpoint_file_is_plain_safetensors(saved):
    file = saved / "model.safetensors" if saved.is_dir() else saved
    state = checkpoint().model.state_dict()
    assert load_file(file).keys() == state.keys()


def test_a_dense_checkpoint_is_of_its_family(tmp_path):
    config = ViTConfig(
        **{
            name: getattr(CONFIG, name)
            for name in ("image_size", "patch_size", "in_channels", "num_classes", "width", "heads")
        },
        depth=2,
    )
    save_checkpoint(checkpoint(config), tmp_path / "c")
    loaded = load_checkpoint(tmp_path / "c")
    assert type(loaded.model).__name__ == "ViT"
    assert loaded.config == config


def test_replacing_takes_no_file_that_somebody_put_beside(saved):
    place = saved if saved.is_dir() else saved.with_name("d")
    if not saved.is_dir():
        save_checkpoint(checkpoint(), place)
    (place / "notes.txt").write_text("precious")
    with raises(InputError, "output.foreign", path=str(place)):
        save_checkpoint(checkpoint(), place, replace=True)
    assert (place / "notes.txt").read_text() == "precious"


def test_a_damaged_checkpoint_directory_is_still_ours(tmp_path):
    save_checkpoint(checkpoint(), tmp_path / "c")
    (tmp_path / "c" / "model.safetensors").write_bytes(b"damaged")
    save_checkpoint(checkpoint(), tmp_path / "c", replace=True)
    assert load_checkpoint(tmp_path / "c").config == CONFIG


def test_a_checkpoint_of_another_program_is_never_replaced(tmp_path):
    state = checkpoint().model.state_dict()
    (tmp_path / "c").mkdir()
    save_file(state, tmp_path / "c" / "model.safetensors")
    (tmp_path / "c" / "config.json").write_text('{"architecture": "vit_tiny"}')
    save_file(state, tmp_path / "c.safetensors", {"format": "pt"})
    (tmp_path / "d.safetensors").write_bytes(b"x" * 100)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("c", "c.safetensors", "d.safetensors"):
        with pytest.raises(InputError, check=lambda error: error.code == "output.foreign"):
            save_checkpoint(checkpoint(), tmp_path / name, replace=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
