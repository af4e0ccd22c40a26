"""Writing a bundle: what is written can be read, and what could not be read is not written."""

import errno
import json
import os

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from safetensors.numpy import load_file

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.write import (
    describe_files,
    foreign_to_bundle,
    write_golden,
    write_manifest,
)
from mvmoe_deploy.errors import BundleError, OutputError
from mvmoe_deploy.system.files import new_directory


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_manifest_is_written_as_it_will_be_read(bundle, tmp_path):
    manifest = Bundle.open(bundle).manifest
    write_manifest(tmp_path, manifest)
    assert (tmp_path / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()


def test_a_manifest_is_readable_text_in_utf_8(bundle):
    text = (bundle / "manifest.json").read_text(encoding="utf-8")
    assert '"日本"' in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 50


def replaced(manifest, **fields):
    return msgspec.structs.replace(manifest, **fields)


_REFUSED = {
    "contradiction": ("bundle.manifest-inconsistent", {}),
    "field": ("bundle.manifest-out-of-range", {"path": "$.model.macs"}),
    "name": ("bundle.manifest-out-of-range", {"path": "$.targets"}),
    "not finite": (
        "bundle.manifest-wrong-type",
        {"path": "$.targets[...].parity.max_abs_error", "found": "null"},
    ),
    "surrogate": ("bundle.invalid", {"file": "manifest.json"}),
}
"""Code and fields of each."""


@pytest.mark.parametrize("kind", _REFUSED)
def test_a_manifest_that_no_reader_would_accept_is_not_written(bundle, tmp_path, kind):
    """Fields are checked too: a struct made in Python was never validated."""
    manifest = Bundle.open(bundle).manifest
    target = manifest.targets["onnx"]
    wrong = {
        "contradiction": replaced(
            manifest, outputs=(replaced(manifest.outputs[0], labels=("a",)),)
        ),
        "field": replaced(manifest, model=replaced(manifest.model, macs=-1)),
        "name": replaced(manifest, targets={"on nx": target}),
        "not finite": replaced(
            manifest,
            targets={
                "onnx": replaced(target, parity=replaced(target.parity, max_abs_error=np.nan))
            },
        ),
        "surrogate": replaced(
            manifest,
            outputs=(replaced(manifest.outputs[0], labels=("a", "b", "c", "\ud800")),),
        ),
    }
    code, fields = _REFUSED[kind]
    with raises(BundleError, code, **fields):
        write_manifest(tmp_path, wrong[kind])
    assert not (tmp_path / "manifest.json").exists()


def test_file_records_are_in_order_with_forward_slashes(tmp_path):
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "b" / "c", tmp_path / "a"]
    for path in paths:
        path.write_bytes(b"abc")
    records = describe_files(tmp_path, paths)
    assert [record.path for record in records] == ["a", "b/c"]
    assert {record.bytes for record in records} == {3}
    assert records[0].sha256.startswith("ba7816bf")


def test_golden_vectors_of_views_are_written_as_they_look(tmp_path):
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2).transpose(0, 1, 3, 2)
    golden = write_golden(tmp_path, {"image": image, "outputs.answer": image[:, 0, 0]})
    assert golden.images == 2
    assert golden.file.path == "golden.safetensors"
    np.testing.assert_array_equal(load_file(tmp_path / golden.file.path)["image"], image)


def test_a_full_disk_while_writing_leaves_no_bundle(bundle, tmp_path, monkeypatch):
    manifest = Bundle.open(bundle).manifest
    before = entries(tmp_path)

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OutputError, check=lambda error: error.code == "output.no-space"),
        new_directory(tmp_path / "new") as work,
    ):
        write_golden(work, Bundle.open(bundle).golden())
        monkeypatch.setattr(type(work), "write_bytes", refuse)
        write_manifest(work, manifest)
    assert entries(tmp_path) == before


def test_numbers_are_written_so_that_they_come_back(bundle):
    content = json.loads((bundle / "manifest.json").read_text())
    shares = [item["share"] for item in content["usage_prior"][0]]
    assert shares == [1 / 3] * 3


# Recognising what was written


def test_a_bundle_of_ours_may_be_replaced(bundle):
    assert foreign_to_bundle(bundle) is None


def test_a_damaged_or_incomplete_bundle_is_still_ours(bundle):
    first, *_ = [path for path in sorted(bundle.rglob("*")) if path.suffix == ".onnx"]
    first.write_bytes(b"damaged")
    (bundle / "golden.safetensors").unlink()
    assert foreign_to_bundle(bundle) is None


@pytest.mark.parametrize("version", [0, 99, "2", None])
def test_a_bundle_of_another_version_is_still_ours(rewrite, version):
    root = rewrite(lambda content: content | {"version": version, "unheard_of": [{"path": "x"}]})
    assert foreign_to_bundle(root) is None


@pytest.mark.parametrize("name", ["notes.txt", "onnx/notes.txt", "onnx/deep/er/notes.txt", "x"])
def test_a_bundle_that_holds_a_file_of_somebody_is_not(bundle, name):
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_text("precious")
    # A path without a hash, as graphs have it, is no record of a file.
    assert foreign_to_bundle(bundle) == f"holds {name}, which the manifest of its bundle lacks"


def test_a_bundle_whose_file_is_a_link_is_not(bundle):
    file = next(path for path in bundle.rglob("*.onnx"))
    file.rename(bundle.parent / "moved")
    file.symlink_to(bundle.parent / "moved")
    assert foreign_to_bundle(bundle) is not None


@pytest.mark.parametrize(
    "text",
    [
        None, b"", b"{", b"[]", b"null", b'{"format": "mvmoe-bund', b'{"format": "web-app"}',
        b'{"name": "x", "icons": []}', b"[" * 100_000, b"\xff", b'{"format": ["mvmoe-bundle"]}',
    ],
)  # fmt: skip
def test_a_directory_without_our_manifest_is_no_bundle(bundle, text):
    (bundle / "manifest.json").unlink()
    if text is not None:
        (bundle / "manifest.json").write_bytes(text)
    why = (
        "it has no manifest.json" if text is None else "its manifest.json was not written by mvmoe"
    )
    assert foreign_to_bundle(bundle).startswith(f"is no bundle ({why}")


def test_a_manifest_that_is_a_pipe_is_not_waited_for(bundle):
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    assert foreign_to_bundle(bundle) is not None
