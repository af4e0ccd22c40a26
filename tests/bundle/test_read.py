"""Opening and verifying a bundle: every file is there, plain, inside and unaltered."""

import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

from mvmoe_deploy.bundle import Bundle, golden
from mvmoe_deploy.bundle.read import MAX_MANIFEST_BYTES
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.system import files


def refused(act, code, /, **fields):
    """The sentence of the error that has this code and these fields."""
    with pytest.raises(BundleError) as caught:
        act()
    assert (caught.value.code, caught.value.fields) == (code, fields)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000
    return str(caught.value)


def refused_to_open(path, code, /, **fields):
    return refused(lambda: Bundle.open(path), code, **fields)


def refused_to_verify(path, code, /, **fields):
    return refused(lambda: Bundle.open(path).verify(), code, **fields)


# What is accepted


@pytest.mark.parametrize("as_text", [False, True])
def test_a_valid_bundle_opens_and_verifies(bundle, as_text):
    opened = Bundle.open(str(bundle) if as_text else bundle)
    opened.verify()
    opened.verify("onnx")
    assert opened.target("onnx").strategy == "dispatch"
    assert opened.manifest.outputs[0].labels == ("a", "b", "ç", "日本")


def test_a_bundle_of_several_targets_and_stages_verifies(make_bundle):
    rules = (TopK(experts=3), TopK(experts=4, k=2, renormalize=True))
    root = make_bundle(rules, ("dispatch", "gather", "all-experts"))
    Bundle.open(root).verify()
    vectors = Bundle.open(root).golden()
    assert vectors["members.2"].shape == vectors["gates.2"].shape == (3, 4)


def test_a_dense_bundle_verifies(make_bundle):
    root = make_bundle(())
    Bundle.open(root).verify()
    assert set(Bundle.open(root).golden()) == {"image", "outputs.answer"}


def test_a_link_to_a_whole_bundle_may_be_opened(bundle, tmp_path):
    (tmp_path / "link").symlink_to(bundle)
    Bundle.open(tmp_path / "link").verify()


def test_files_that_the_manifest_does_not_list_are_ignored(bundle):
    (bundle / "README.md").write_text("notes")
    Bundle.open(bundle).verify()


def test_golden_vectors_are_what_was_written(bundle):
    vectors = Bundle.open(bundle).golden()
    written = load_file(bundle / "golden.safetensors")
    assert set(vectors) == {"image", "logits.1", "members.1", "gates.1", "outputs.answer"}
    for name, vector in vectors.items():
        np.testing.assert_array_equal(vector, written[name])
    assert vectors["image"].shape == (3, 1, 6, 6)
    assert vectors["members.1"].dtype == bool


def test_an_unknown_target_is_refused_with_the_known_ones(bundle):
    opened = Bundle.open(bundle)
    for act in (opened.target, opened.verify):
        wrong = {"target": "coreml", "available": ["onnx"]}
        said = refused(lambda act=act: act("coreml"), "bundle.no-target", **wrong)
    assert "it has onnx; export the model with --target coreml to have it" in said


# The directory and its manifest


def test_what_is_no_bundle_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "manifest.json").mkdir()
    for missing in (tmp_path / "missing", tmp_path / "file"):
        said = refused_to_open(missing, "bundle.missing", bundle=str(missing))
        assert "is not a directory; give one that mvmoe export" in said
    with pytest.raises(BundleError) as caught:
        Bundle.open(tmp_path / ("a" * 300))
    assert caught.value.code in ("bundle.missing", "bundle.file-unreadable")
    refused_to_open(tmp_path / "empty", "bundle.file-missing", file="manifest.json")
    refused_to_open(tmp_path / "odd", "bundle.file-not-plain", file="manifest.json")


@pytest.mark.parametrize("size", [MAX_MANIFEST_BYTES + 1, 2**30])
def test_a_manifest_that_is_too_large_is_refused_without_its_memory(bundle, size):
    with (bundle / "manifest.json").open("r+b") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        refused_to_open(bundle, "bundle.too-large", limit=MAX_MANIFEST_BYTES)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_MANIFEST_BYTES
    finally:
        tracemalloc.stop()


def test_a_manifest_behind_a_link_is_refused(bundle, tmp_path):
    (bundle / "manifest.json").rename(tmp_path / "elsewhere.json")
    (bundle / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    refused_to_open(bundle, "bundle.file-not-plain", file="manifest.json")


def test_a_pipe_as_manifest_is_refused_without_waiting_for_it(bundle):
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    refused_to_open(bundle, "bundle.file-not-plain", file="manifest.json")


def test_what_is_wrong_with_a_manifest_is_said_of_its_bundle(rewrite):
    bundle = rewrite(lambda content: content.update(extra=1))
    unknown = {"path": "$", "name": "extra"}
    said = refused_to_open(bundle, "bundle.manifest-unknown-field", **unknown)
    assert f"bundle {bundle} is wrong: Object contains unknown field `extra`" in said
    bundle = rewrite(lambda content: [content])
    wrong = {"path": "$", "expected": "object"}
    assert str(bundle) in refused_to_open(bundle, "bundle.manifest-wrong-type", **wrong)


def test_what_the_system_refuses_becomes_one_sentence(bundle, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    opened = Bundle.open(bundle)
    monkeypatch.setattr(Path, "open", refuse)
    for act, file in (
        (lambda: Bundle.open(bundle), "manifest.json"),
        (opened.verify, "onnx/stage0.onnx"),
        (opened.golden, "golden.safetensors"),
    ):
        said = refused(act, "bundle.file-unreadable", file=file)
        assert "cannot be read (Permission denied)" in said


# Files


VICTIMS = ["onnx/stage0.onnx", "onnx/stage1_e2.onnx", "onnx/weights.bin", "golden.safetensors"]


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_missing_file_is_named(bundle, victim):
    (bundle / victim).unlink()
    refused_to_verify(bundle, "bundle.file-missing", file=victim)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_truncated_file_is_named_with_both_sizes(bundle, victim):
    data = (bundle / victim).read_bytes()
    (bundle / victim).write_bytes(data[:-1])
    sizes = {"expected": len(data), "found": len(data) - 1}
    said = refused_to_verify(bundle, "bundle.size-mismatch", file=victim, **sizes)
    assert f"has {len(data) - 1} bytes instead of {len(data)};" in said


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_grown_file_is_named(bundle, victim):
    size = (bundle / victim).stat().st_size
    with (bundle / victim).open("ab") as file:
        file.write(b"x")
    sizes = {"expected": size, "found": size + 1}
    refused_to_verify(bundle, "bundle.size-mismatch", file=victim, **sizes)


@pytest.mark.parametrize("victim", VICTIMS)
def test_one_altered_bit_is_named(bundle, victim):
    data = bytearray((bundle / victim).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / victim).write_bytes(data)
    refused_to_verify(bundle, "bundle.hash-mismatch", file=victim)


def test_a_missing_folder_is_refused(bundle):
    (bundle / "onnx").rename(bundle / "other")
    refused_to_verify(bundle, "bundle.file-missing", file="onnx/stage0.onnx")


def test_a_file_where_a_folder_should_be_is_refused(bundle):
    (bundle / "onnx").rename(bundle / "other")
    (bundle / "onnx").write_text("x")
    refused_to_verify(bundle, "bundle.file-missing", file="onnx/stage0.onnx")


@pytest.mark.parametrize("victim", ["onnx", "onnx/stage0.onnx", "golden.safetensors"])
@pytest.mark.parametrize("target", ["outside", "inside"])
def test_a_symbolic_link_is_refused_wherever_it_leads(bundle, tmp_path, victim, target):
    """Even with the right content: what it leads to can change after the check."""
    home = tmp_path if target == "outside" else bundle
    (bundle / victim).rename(home / "moved")
    (bundle / victim).symlink_to(home / "moved")
    file = "onnx/stage0.onnx" if victim == "onnx" else victim
    refused_to_verify(bundle, "bundle.file-not-plain", file=file)


def test_a_bundle_in_a_hubs_cache_is_refused_with_the_way_on(bundle, tmp_path):
    """Snapshots there are links into `blobs/`; the command that the message names is run."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    for number, file in enumerate(sorted(path for path in bundle.rglob("*") if path.is_file())):
        link = snapshot / file.relative_to(bundle)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, blobs / str(number))
        link.symlink_to(blobs / str(number))
    with pytest.raises(
        BundleError, check=lambda error: error.code == "bundle.file-not-plain"
    ) as caught:
        Bundle.open(snapshot)
    command = str(caught.value).partition("(")[2].rstrip(")").replace("COPY", str(tmp_path / "c"))
    assert command.startswith("cp -rL ")
    subprocess.run(command.split(), check=True)
    Bundle.open(tmp_path / "c").verify()


def test_a_dangling_link_is_refused(bundle):
    (bundle / "onnx/stage0.onnx").unlink()
    (bundle / "onnx/stage0.onnx").symlink_to("nowhere")
    refused_to_verify(bundle, "bundle.file-not-plain", file="onnx/stage0.onnx")


@pytest.mark.parametrize("victim", ["onnx/stage0.onnx", "golden.safetensors"])
@pytest.mark.parametrize("kind", ["fifo", "socket", "directory"])
def test_what_is_no_regular_file_is_refused_without_waiting_for_it(
    bundle, victim, kind, monkeypatch
):
    (bundle / victim).unlink()
    monkeypatch.chdir((bundle / victim).parent)
    name = (bundle / victim).name
    if kind == "fifo":
        os.mkfifo(name)
    elif kind == "directory":
        Path(name).mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(name)
    refused_to_verify(bundle, "bundle.file-not-plain", file=victim)


def test_only_the_files_of_the_chosen_target_are_read(make_bundle):
    root = make_bundle(strategies=("dispatch", "gather"))
    (root / "coreml/weights.bin").unlink()
    Bundle.open(root).verify("onnx")
    missing = {"file": "coreml/weights.bin"}
    refused(lambda: Bundle.open(root).verify("coreml"), "bundle.file-missing", **missing)
    refused(lambda: Bundle.open(root).verify(), "bundle.file-missing", **missing)


# Targets whose files were removed


def test_a_target_is_removed_when_none_of_its_own_files_is_there(make_bundle):
    root = make_bundle(strategies=("dispatch", "gather", "all-experts"))
    opened = Bundle.open(root)
    assert opened.removed_targets() == {}
    shutil.rmtree(root / "coreml")
    (root / "executorch/weights.bin").unlink()
    assert opened.removed_targets() == {
        "coreml": "its files were removed from the bundle: coreml/stage0.onnx and 2 more"
    }
    opened.verify("onnx")
    damaged = {"file": "executorch/weights.bin"}
    refused(lambda: opened.verify("onnx", "executorch"), "bundle.file-missing", **damaged)


def test_files_that_another_target_needs_do_not_make_a_target_complete(rewrite):
    def share(content):
        onnx = content["targets"]["onnx"]
        other = json.loads(json.dumps(onnx).replace("stage1_e2.onnx", "other.onnx"))
        content["targets"]["other"] = other

    root = rewrite(share)
    shutil.copy(root / "onnx/stage1_e2.onnx", root / "onnx/other.onnx")
    assert Bundle.open(root).removed_targets() == {}
    (root / "onnx/other.onnx").unlink()
    removed = {"other": "its files were removed from the bundle: onnx/other.onnx"}
    assert Bundle.open(root).removed_targets() == removed
    Bundle.open(root).verify("onnx")


def test_a_bundle_without_any_target_is_damaged(make_bundle):
    root = make_bundle(strategies=("dispatch", "gather"))
    for folder in ("onnx", "coreml"):
        shutil.rmtree(root / folder)
    assert Bundle.open(root).removed_targets() == {}
    refused(lambda: Bundle.open(root).verify(), "bundle.file-missing", file="onnx/stage0.onnx")


@pytest.mark.parametrize("instead", ["a file", "a link to nowhere", "a directory of a file"])
def test_what_is_in_the_place_of_a_target_is_damage(make_bundle, instead):
    root = make_bundle(strategies=("dispatch", "gather"))
    shutil.rmtree(root / "coreml")
    if instead == "a file":
        (root / "coreml").write_text("")
    elif instead == "a link to nowhere":
        (root / "coreml").symlink_to(root / "nowhere")
    else:
        (root / "coreml/weights.bin").mkdir(parents=True)
    assert Bundle.open(root).removed_targets() == {}
    with pytest.raises(BundleError) as caught:
        Bundle.open(root).verify()
    assert caught.value.code in ("bundle.file-missing", "bundle.file-not-plain")


# Golden vectors: right by their hash, and still wrong


@pytest.fixture
def with_golden(bundle, rewrite):
    """Replaces the golden file and its record in the manifest."""

    def write(data):
        (bundle / "golden.safetensors").write_bytes(data)
        record = {
            "path": "golden.safetensors",
            "bytes": len(data),
            "sha256": files.sha256(bundle / "golden.safetensors"),
        }
        return rewrite(lambda content: content["golden"].update(file=record))

    return write


@pytest.fixture
def vectors(bundle):
    return load_file(bundle / "golden.safetensors")


def lying(dtype, shape, end, size):
    text = json.dumps(
        {"image": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}
    ).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not safetensors",
        struct.pack("<Q", 2**62) + b"{}",
        lying("F32", [1000], 4000, 4),
        lying("F32", [2**31, 2**31], 4, 4),
        lying("F31", [1], 4, 4),
        lying("BF16", [2], 4, 4),
        lying("F8_E4M3", [4], 4, 4),
        lying("F4", [8], 4, 4),
    ],
)
def test_damaged_golden_vectors_are_refused(with_golden, data):
    root = with_golden(data)
    for act in (Bundle.open(root).verify, Bundle.open(root).golden):
        refused(act, "bundle.golden-invalid")


@pytest.mark.parametrize(
    "change, vector",
    [
        (lambda v: v.pop("image"), "image"),
        (lambda v: v.pop("gates.1"), "gates.1"),
        (lambda v: v.update(extra=v["outputs.answer"]), "extra"),
        (lambda v: v.update({"logits.2": v["logits.1"]}), "logits.2"),
        (lambda v: v.update(image=v["image"][:2]), "image"),
        (lambda v: v.update({"outputs.answer": v["outputs.answer"][:, :3]}), "outputs.answer"),
        (lambda v: v.update({"members.1": v["members.1"].astype(np.int32)}), "members.1"),
        (lambda v: v.update(image=v["image"].astype(np.float64)), "image"),
        (
            lambda v: v.update({"outputs.answer": v["outputs.answer"].astype(np.float16)}),
            "outputs.answer",
        ),
    ],
)
def test_golden_vectors_that_are_not_the_manifests_are_refused(
    with_golden, vectors, change, vector
):
    change(vectors)
    root = with_golden(save({name: np.ascontiguousarray(v) for name, v in vectors.items()}))
    refused_to_verify(root, "bundle.golden-invalid", vector=vector)


def test_a_golden_file_of_a_senseless_size_is_refused_unread(bundle, rewrite):
    rewrite(lambda content: content["golden"]["file"].update(bytes=2**40))
    os.truncate(bundle / "golden.safetensors", 2**40)  # sparse
    sizes = {"expected": golden.max_bytes(Bundle.open(bundle).manifest), "found": 2**40}
    refused_to_verify(bundle, "bundle.size-mismatch", file="golden.safetensors", **sizes)


def test_golden_vectors_may_carry_metadata(with_golden, vectors, tmp_path):
    save_file(vectors, tmp_path / "g", metadata={"made by": "x"})
    with_golden((tmp_path / "g").read_bytes())
    Bundle.open(tmp_path / "bundle").verify()


def test_several_threads_may_verify_one_bundle(bundle):
    opened, errors = Bundle.open(bundle), []

    def verify():
        try:
            opened.verify()
        except BundleError as error:
            errors.append(error)

    threads = [threading.Thread(target=verify) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
