"""What an app ships: one target, in a directory or in a zip file that is always the same."""

import errno
import hashlib
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import msgspec
import pytest

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.bundle_pack import BundlePack, foreign_to_pack
from mvmoe_deploy.bundle.integrity import checked_chunks
from mvmoe_deploy.bundle.manifest import File
from mvmoe_deploy.bundle.write import encode_manifest
from mvmoe_deploy.errors import BundleError, CheckFailedError, InputError, OutputError

EVERY = ("dispatch", "gather", "all-experts")


@pytest.fixture
def three(make_bundle):
    """A bundle of the targets onnx, coreml and executorch."""
    return make_bundle(strategies=EVERY)


def pack(root, target="onnx"):
    return BundlePack.of(Bundle.open(root), target)


def names_below(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("target", ["onnx", "coreml", "executorch"])
@pytest.mark.parametrize("name", ["out", "out.zip", "new/below/out.ZIP"])
def test_a_pack_is_a_bundle_of_one_target_and_nothing_else(three, tmp_path, target, name):
    (three / "notes.txt").write_text("ignored")
    made = pack(three, target)
    made.write(tmp_path / name)
    shipped = tmp_path / "shipped"
    if name == "out":
        shipped = tmp_path / name
    else:
        shutil.unpack_archive(tmp_path / name, shipped, "zip")
    opened = Bundle.open(shipped, made.manifest_sha256)
    opened.verify()
    assert list(opened.manifest.targets) == [target]
    before = Bundle.open(three)
    assert opened.target(target) == before.target(target)
    changed = msgspec.structs.replace(opened.manifest, targets=before.manifest.targets)
    assert changed == before.manifest and opened.manifest_sha256 != before.manifest_sha256
    listed = {file.path for file in before.target(target).files}
    assert names_below(shipped) == sorted(listed | {"manifest.json", "golden.safetensors"})
    assert made.total_bytes == sum((shipped / name).stat().st_size for name in names_below(shipped))


def test_a_zip_has_the_same_bytes_whenever_and_wherever_it_is_made(three, tmp_path):
    other = shutil.copytree(three, tmp_path / "other", copy_function=shutil.copy)
    for path in other.rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o700)
    before = os.umask(0o077)
    pack(three).write(tmp_path / "a.zip")
    os.umask(0o000)
    pack(other).write(tmp_path / "b.zip")
    os.umask(before)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_zips_files_are_stored_in_order_with_one_time_and_mode(three, tmp_path):
    pack(three).write(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == ["manifest.json", *sorted(names[1:])] and len(names) == len(set(names))
    assert {
        (entry.date_time, entry.external_attr >> 16, entry.compress_type, entry.flag_bits)
        for entry in entries
    } == {((1980, 1, 1, 0, 0, 0), stat.S_IFREG | 0o644, zipfile.ZIP_STORED, 0)}


def test_a_bundle_of_one_target_keeps_its_manifest(bundle):
    assert pack(bundle).manifest == (bundle / "manifest.json").read_bytes()


def test_a_file_that_two_targets_share_is_packed_once_with_each(rewrite, tmp_path):
    def share(content):
        onnx = content["targets"]["onnx"]
        content["targets"]["onnx-nnapi"] = onnx
        onnx["files"].append(content["golden"]["file"])

    root = rewrite(share)
    for target in ("onnx", "onnx-nnapi"):
        pack(root, target).write(tmp_path / f"{target}.zip")
        with zipfile.ZipFile(tmp_path / f"{target}.zip") as archive:
            names = archive.namelist()
        assert names.count("onnx/weights.bin") == names.count("golden.safetensors") == 1


def test_an_unknown_target_is_refused(bundle):
    with pytest.raises(BundleError) as caught:
        pack(bundle, "coreml")
    assert caught.value.code == "bundle.no-target"


DAMAGES = {
    "bundle.hash-mismatch": lambda path: path.write_bytes(b"x" * path.stat().st_size),
    "bundle.size-mismatch": lambda path: os.truncate(path, 3),
    "bundle.file-missing": Path.unlink,
}


@pytest.mark.parametrize("name", ["out", "out.zip"])
@pytest.mark.parametrize(
    "victim", ["onnx/weights.bin", "onnx/stage1_e2.onnx", "golden.safetensors"]
)
@pytest.mark.parametrize("code", DAMAGES)
def test_a_damaged_file_is_refused_and_nothing_is_written(three, tmp_path, name, victim, code):
    DAMAGES[code](three / victim)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BundleError) as caught:
        pack(three).write(tmp_path / name)
    assert (caught.value.code, caught.value.fields["file"]) == (code, victim)
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_in_the_bundle_is_refused(three, tmp_path):
    (tmp_path / "elsewhere").write_bytes((three / "onnx/weights.bin").read_bytes())
    (three / "onnx/weights.bin").unlink()
    (three / "onnx/weights.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError) as caught:
        pack(three).write(tmp_path / "out.zip")
    assert caught.value.code == "bundle.file-not-plain"


def test_damage_in_another_target_does_not_matter(three, tmp_path):
    shutil.rmtree(three / "coreml")
    pack(three).write(tmp_path / "out")
    Bundle.open(tmp_path / "out").verify()


def test_golden_vectors_that_are_wrong_in_themselves_are_refused(bundle, rewrite, tmp_path):
    (bundle / "golden.safetensors").write_bytes(b"nonsense")
    digest = hashlib.sha256(b"nonsense").hexdigest()
    rewrite(lambda content: content["golden"]["file"].update(bytes=8, sha256=digest))
    with pytest.raises(BundleError) as caught:
        pack(bundle).write(tmp_path / "out.zip")
    assert caught.value.code == "bundle.golden-invalid"
    assert not (tmp_path / "out.zip").exists()


def test_a_file_that_grows_while_it_is_copied_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "grows"
    path.write_bytes(b"abc")
    record = File(path="grows", bytes=3, sha256=hashlib.sha256(b"abc").hexdigest())
    assert b"".join(checked_chunks(tmp_path, record)) == b"abc"
    chunks = checked_chunks(tmp_path, record)
    assert next(chunks) == b"abc"
    with path.open("ab") as file:
        file.write(b"more and more")
    with pytest.raises(BundleError) as caught:
        next(chunks), next(chunks)
    assert (caught.value.code, caught.value.fields["found"]) == ("bundle.size-mismatch", 4)


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_full_disk_leaves_nothing(three, tmp_path, monkeypatch, name):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mvmoe_deploy.bundle.bundle_pack.checked_chunks", refuse)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError) as caught:
        pack(three).write(tmp_path / name)
    assert caught.value.code == "output.no-space"
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_without_room_is_told_before_anything_is_written(three, tmp_path, monkeypatch):
    monkeypatch.setattr("mvmoe_deploy.system.space.free_bytes", lambda _: 10)
    with pytest.raises(OutputError) as caught:
        pack(three).write(tmp_path / "out.zip")
    assert caught.value.code == "output.no-space"


# The limit


def test_a_pack_that_is_too_large_is_refused_with_the_sizes(three):
    made = pack(three)
    made.require_at_most(made.total_bytes)
    with pytest.raises(CheckFailedError) as caught:
        made.require_at_most(made.total_bytes - 1)
    assert caught.value.code == "check.too-large"
    graphs = {"stage0": 2, "stage1_e0": 2, "stage1_e1": 2, "stage1_e2": 2}
    assert caught.value.fields == {
        "target": "onnx",
        "limit": made.total_bytes - 1,
        "bytes": made.total_bytes,
        "graphs": graphs,
        "experts": [],
    }


def test_the_largest_graphs_and_all_experts_are_told(rewrite):
    def enlarge(content):
        target = content["targets"]["onnx"]
        for size, graph in enumerate(target["graphs"]):
            graph |= {"weight_bytes": 10_000 * size, "exclusive_bytes": 1000 * size}
        target["sizes"] = {"distinct_bytes": 9, "shared_bytes": 1, "expert_bytes": [[5, 2, 1]]}

    with pytest.raises(CheckFailedError) as caught:
        pack(rewrite(enlarge)).require_at_most(100)
    assert caught.value.fields["experts"] == [[5, 2, 1]]
    text = str(caught.value)
    assert "3.0 kB (stage1_e2), 2.0 kB (stage1_e1), 1.0 kB (stage1_e0) of their own" in text


# What may be replaced


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_pack_is_replaced_only_if_that_is_allowed(three, tmp_path, name):
    output = tmp_path / name
    pack(three).write(output)
    with pytest.raises(InputError) as caught:
        pack(three, "coreml").write(output)
    assert caught.value.code == "output.exists"
    pack(three, "coreml").write(output, replace_existing=True)
    shipped = output
    if name == "out.zip":
        shutil.unpack_archive(output, tmp_path / "shipped")
        shipped = tmp_path / "shipped"
    assert list(Bundle.open(shipped).manifest.targets) == ["coreml"]


def with_notes(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes.txt", "precious")


def compressed(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", '{"format": "mvmoe-bundle"}')


def of_somebody(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"name": "a web application"}')


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: None, None),
        (with_notes, "holds notes.txt, which the manifest in it lacks"),
        (compressed, "is no packed bundle"),
        (of_somebody, "is no packed bundle"),
        (lambda path: path.write_bytes(b"PK\3\4 and more"), "is no packed bundle"),
        (lambda path: os.truncate(path, path.stat().st_size - 1), "is no packed bundle"),
    ],
)
def test_a_zip_of_somebody_else_is_recognised(three, tmp_path, change, reason):
    path = tmp_path / "out.zip"
    pack(three).write(path)
    change(path)
    found = foreign_to_pack(path)
    assert found is None if reason is None else found is not None and found.startswith(reason)
    if reason is not None:
        before = path.read_bytes()
        with pytest.raises(InputError) as caught:
            pack(three).write(path, replace_existing=True)
        assert caught.value.code == "output.foreign" and path.read_bytes() == before


@pytest.mark.parametrize("place", ["bundle", "bundle/out.zip", "bundle/onnx/out", "."])
def test_an_output_that_touches_the_bundle_is_refused(three, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    before = names_below(tmp_path)
    with pytest.raises(InputError) as caught:
        pack(Path("bundle")).write(Path(place), replace_existing=True)
    assert caught.value.code in ("output.is-input", "output.not-replaceable")
    assert names_below(tmp_path) == before


def test_the_manifest_is_that_of_a_writer(three):
    content = json.loads(pack(three).manifest)
    bundle = json.loads(encode_manifest(Bundle.open(three).manifest))
    assert content["targets"].pop("onnx") == bundle.pop("targets")["onnx"]
    assert content.pop("targets") == {} and content == bundle
