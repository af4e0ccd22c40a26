"""Files that describe more than they hold: refused before anything of that size is read or made."""

import json
import struct
import zipfile

import pytest
import torch

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models import build, load_checkpoint

HUGE = {"num_classes": 1_000_000, "width": 12_000, "heads": 3, "depth": 1}
"""A head of 12,000 million weights: 48 GB in fp32."""


def expanded(state, key, *shape):
    """The state with one element in place of a whole tensor."""
    return {**state, key: torch.zeros(1).expand(*shape)}


@pytest.fixture
def state(tiny_vit):
    return build(tiny_vit(), seed=0).state_dict()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nested", ["", "model", "ema"])
def test_an_expanded_tensor_of_gigabytes_is_refused(tmp_path, tiny_vit, state, zipped, nested):
    config = tiny_vit(**HUGE)
    with torch.device("meta"):
        model = build(config, seed=0)
    huge = {name: torch.zeros(1).expand(t.shape) for name, t in model.state_dict().items()}
    content = {nested: [huge, {"other": huge}]} if nested else huge
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        CheckpointError, check=lambda error: error.code == "checkpoint.too-large"
    ) as caught:
        load_checkpoint(tmp_path / "a.pt", config)
    assert "(tensor.contiguous())" in str(caught.value)


def test_windows_that_overlap_are_refused(tmp_path, tiny_vit, state):
    key = "blocks.0.mlp.fc1.weight"
    key = key if key in state else next(k for k, v in state.items() if v.ndim == 2)
    rows, columns = state[key].shape
    stored = torch.zeros(rows + columns)
    overlapping = stored.as_strided((rows, columns), (1, 1))
    torch.save({**state, key: overlapping}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.too-large"):
        load_checkpoint(tmp_path / "a.pt", tiny_vit())


def test_one_storage_under_thousands_of_names_is_refused(tmp_path, tiny_vit, state):
    shared = torch.zeros(2**20)
    torch.save(state | {f"extra.{i}": shared for i in range(1000)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.too-large"):
        load_checkpoint(tmp_path / "a.pt", tiny_vit())


def test_tied_layers_are_read(tmp_path, tiny_vit, state):
    """Weights that a training script ties share their storage: they stay readable."""
    first = {k.replace("blocks.0.", "", 1): v for k, v in state.items() if "blocks.0." in k}
    tied = {
        name: next((v for k, v in first.items() if name.endswith(k)), tensor)
        for name, tensor in state.items()
    }
    torch.save(tied, tmp_path / "a.pt")
    load_checkpoint(tmp_path / "a.pt", tiny_vit())


def repacked(path, compression, extra=()):
    """The entries of an archive again, packed, with more beside them."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in (*entries.items(), *extra):
            archive.writestr(name, data)


def test_a_packed_archive_is_refused_unread(tmp_path, tiny_vit, state):
    torch.save(state, tmp_path / "a.pt")
    repacked(tmp_path / "a.pt", zipfile.ZIP_DEFLATED, [("a/data/99", bytes(2**26))])
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.too-large"):
        load_checkpoint(tmp_path / "a.pt", tiny_vit())


def test_entries_that_lie_over_each_other_are_refused(tmp_path, tiny_vit, state):
    torch.save(state, tmp_path / "a.pt")
    repacked(tmp_path / "a.pt", zipfile.ZIP_STORED, [("a/data/99", bytes(2**16))])
    with zipfile.ZipFile(tmp_path / "a.pt", "a") as archive:
        entry = archive.getinfo("a/data/99")
        for number in range(100, 200):
            again = zipfile.ZipInfo(f"a/data/{number}")
            for field in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(again, field, getattr(entry, field))
            archive.filelist.append(again)
        archive._didModify = True
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.too-large"):
        load_checkpoint(tmp_path / "a.pt", tiny_vit())


def test_a_safetensors_header_of_a_hundred_megabytes_is_refused_unread(tmp_path, tiny_vit):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 99_000_000) + b"{")
        file.truncate(99_000_008)
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.too-large"):
        load_checkpoint(path, tiny_vit())


@pytest.mark.parametrize(
    "header",
    [
        {"a": [0, 8], "b": [0, 8]},
        {"a": [0, 8], "b": [4, 12]},
        {"a": [8, 16], "b": [16, 24]},
        {"a": [0, 2**63]},
        {"a": [8, 0]},
    ],
)
def test_safetensors_over_each_other_are_refused(tmp_path, tiny_vit, header):
    tensors = {
        name: {"dtype": "F32", "shape": [2], "data_offsets": offsets}
        for name, offsets in header.items()
    }
    text = json.dumps(tensors).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(16))
    with pytest.raises(CheckpointError, check=lambda error: error.code == "checkpoint.damaged"):
        load_checkpoint(path, tiny_vit())


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), [1.0], (2**31, 2**31)),
        lambda: torch.zeros(2**20, 2**20, device="meta"),
        lambda: torch.zeros(12, dtype=torch.complex64),
        lambda: torch.quantize_per_tensor(torch.zeros(12), 0.1, 0, torch.qint8),
        lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        lambda: torch.tensor(1.0),
    ],
    ids=["sparse", "meta", "complex", "quantized", "nested", "0-dim"],
)
def test_odd_tensors_of_any_size_are_refused(tmp_path, tiny_vit, state, make):
    key = next(iter(state))
    torch.save({**state, key: make()}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / "a.pt", tiny_vit())
    assert key in str(caught.value) or "no whole PyTorch file" in str(caught.value)
