"""The packer puts libraries where a phone's pages begin, and the checker sees where they do not.

Offsets are looked up in the APK's bytes, and by Debian's zipalign: neither shares code with them.
"""

import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import check_apk
import executorch_package
import pack_apk
import pytest
import stand_in

TOOLS = Path(pack_apk.__file__).parent
PAGE = 16384
RESOURCES = bytes(range(256))


@pytest.fixture
def parts(tmp_path):
    """A folder with the parts of a small APK: a base, classes, and libraries."""
    with zipfile.ZipFile(tmp_path / "base.apk", "w") as base:
        base.writestr("AndroidManifest.xml", b"a manifest", zipfile.ZIP_DEFLATED)
        base.writestr("res/layout/main.xml", b"a layout" * 9, zipfile.ZIP_DEFLATED)
        base.writestr("resources.arsc", RESOURCES)
    (tmp_path / "dex").mkdir()
    (tmp_path / "dex/classes.dex").write_bytes(b"dex\n038\0")
    (tmp_path / "dex/kotlin.bin").write_bytes(b"what R8 leaves beside it")
    for abi in stand_in.ABIS:
        (tmp_path / "jni" / abi).mkdir(parents=True)
        for name in ("one", "other"):
            (tmp_path / "jni" / abi / f"lib{name}.so").write_bytes(library(abi) + name.encode())
    return tmp_path


def library(abi, alignment=PAGE):
    return stand_in.shared_object(stand_in.ABIS[abi], alignment)


def pack(folder, *more, output="app.apk", **options):
    """Run the packer on the folder's parts."""
    command = [sys.executable, TOOLS / "pack_apk.py", "--base", folder / "base.apk"]
    command += ["--dex", folder / "dex", "--jni", folder / "jni", *more, "-o", folder / output]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def packed(folder, *more, output="app.apk"):
    """The APK of the folder's parts."""
    ended = pack(folder, *more, output=output)
    assert ended.returncode == 0, ended.stderr
    return folder / output


def check(apk):
    """The checker's exit code, and its sentences."""
    command = [sys.executable, TOOLS / "check_apk.py", apk]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr.splitlines()


def begins(apk, data):
    """Where these bytes begin in the APK's; they have to be there once."""
    whole = apk.read_bytes()
    assert whole.count(data) == 1
    return whole.index(data)


def rewritten(apk, compressed=()):
    """The APK as Python's zipfile alone writes it, which knows no alignment."""
    output = apk.with_name("rewritten.apk")
    with zipfile.ZipFile(apk) as old, zipfile.ZipFile(output, "w") as new:
        for info in old.infolist():
            kind = zipfile.ZIP_DEFLATED if info.filename in compressed else info.compress_type
            new.writestr(info.filename, old.read(info), kind)
    return output


def test_stored_entries_begin_where_a_phone_maps_them(parts):
    apk = packed(parts)
    for path in (parts / "jni").glob("*/*.so"):
        assert begins(apk, path.read_bytes()) % PAGE == 0
    assert begins(apk, RESOURCES) % 4 == 0
    assert check(apk) == (0, [])


@pytest.mark.skipif(shutil.which("zipalign") is None, reason="this machine lacks zipalign")
def test_zipalign_agrees_as_far_as_it_looks(parts):
    """Debian's looks at pages of 4096 bytes."""
    apk = packed(parts)
    looked = ["zipalign", "-c", "-p", "4"]
    assert subprocess.run([*looked, apk], check=False).returncode == 0
    assert subprocess.run([*looked, rewritten(apk)], check=False).returncode != 0


def test_all_parts_are_there_once_and_nothing_else(parts):
    libraries = [f"lib/{abi}/lib{name}.so" for abi in stand_in.ABIS for name in ("one", "other")]
    with zipfile.ZipFile(packed(parts)) as apk:
        assert apk.testzip() is None
        assert apk.read("res/layout/main.xml") == b"a layout" * 9
        assert apk.namelist() == [
            "AndroidManifest.xml", "classes.dex", *libraries, "res/layout/main.xml",
            "resources.arsc",
        ]  # fmt: skip


def test_equal_parts_give_equal_bytes(parts):
    first = packed(parts).read_bytes()
    for path in parts.rglob("*"):
        os.utime(path, (1, 1))
    assert packed(parts, output="second.apk").read_bytes() == first
    with zipfile.ZipFile(parts / "app.apk") as apk:
        assert {info.date_time for info in apk.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.create_system for info in apk.infolist()} == {0}


def test_assets_keep_their_folders_and_weights_are_not_compressed(parts):
    bundle = parts / "assets/digits.mvmoe"
    (bundle / "onnx").mkdir(parents=True)
    (bundle / "manifest.json").write_text("{}" * 100)
    weights = os.urandom(1000)
    (bundle / "onnx/weights.bin").write_bytes(weights)
    (parts / "assets/.hidden").write_text("an editor's")
    apk = packed(parts, "--assets", parts / "assets")
    assert begins(apk, weights) % 4 == 0
    with zipfile.ZipFile(apk) as archive:
        assets = [name for name in archive.namelist() if name.startswith("assets/")]
        assert assets == [
            "assets/digits.mvmoe/manifest.json", "assets/digits.mvmoe/onnx/weights.bin"
        ]  # fmt: skip
        manifest = archive.getinfo("assets/digits.mvmoe/manifest.json")
        assert manifest.compress_type == zipfile.ZIP_DEFLATED


def test_a_service_of_two_jars_has_both_lines(parts):
    for jar, line in (("a.jar", "a.Factory"), ("b.jar", "b.Factory\n")):
        with zipfile.ZipFile(parts / jar, "w") as archive:
            archive.writestr("META-INF/services/", b"")
            archive.writestr("META-INF/services/some.Factory", line)
    (parts / "more/META-INF/services").mkdir(parents=True)
    (parts / "more/META-INF/services/other.Factory").write_text("c.Factory\n")
    sources = (parts / "a.jar", parts / "b.jar", parts / "more")
    with zipfile.ZipFile(packed(parts, "--services", *sources)) as archive:
        assert archive.read("META-INF/services/some.Factory") == b"a.Factory\nb.Factory\n"
        assert archive.read("META-INF/services/other.Factory") == b"c.Factory\n"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("dex/classes.dex", "holds no classes.dex: give the folder that R8 or D8 has written"),
        ("jni", "holds no native library: give a folder with ABI/lib*.so"),
        ("base.apk", "No such file or directory"),
    ],
)
def test_a_part_that_is_missing_is_one_sentence(parts, missing, sentence):
    path = parts / missing
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.unlink()
    ended = pack(parts)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not list(parts.glob("*app.apk*"))


def test_a_full_disk_leaves_the_older_apk(parts):
    apk = packed(parts)
    older = apk.read_bytes()
    (parts / "jni/x86_64/libone.so").write_bytes(library("x86_64") + os.urandom(200_000))
    limit = (100_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    ended = pack(parts, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert (ended.returncode, ended.stderr) == (2, "pack_apk: [Errno 27] File too large\n")
    assert apk.read_bytes() == older
    assert [path.name for path in parts.glob("*app.apk*")] == ["app.apk"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_packer_leaves_no_half_apk(parts, number):
    # A pipe in place of a library: the packer waits in the middle of its work.
    pipe = parts / "jni/x86_64/libone.so"
    pipe.unlink()
    os.mkfifo(pipe)
    command = [sys.executable, TOOLS / "pack_apk.py", "--base", parts / "base.apk"]
    command += ["--dex", parts / "dex", "--jni", parts / "jni", "-o", parts / "app.apk"]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 60
            while not list(parts.glob(".app.apk.*")) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert list(parts.glob(".app.apk.*")), "it never began to write"
            process.send_signal(number)
            process.wait(60)
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert not list(parts.glob("*app.apk*"))


def test_the_checker_refuses_what_no_page_begins_with(parts):
    code, sentences = check(rewritten(packed(parts)))
    assert code == 1
    assert len(sentences) == 4
    assert all("which is no multiple of 16384" in sentence for sentence in sentences)


def test_the_checker_refuses_what_is_compressed(parts):
    name = "lib/x86_64/libone.so"
    code, sentences = check(rewritten(packed(parts), compressed=(name, "resources.arsc")))
    assert code == 1
    assert (
        f"check_apk: {name} is compressed: with extractNativeLibs=false no phone can load it"
        in (sentences)
    )
    assert sum("resources.arsc is compressed" in sentence for sentence in sentences) == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (library("x86_64", 4096), "has a LOAD segment that is aligned to 4096"),
        (library("x86_64", 0), "has a LOAD segment that is aligned to 0"),
        (library("x86_64", 24576), "has a LOAD segment that is aligned to 24576"),
        (library("arm64-v8a"), "is a library of another machine (ELF 183)"),
        (library("x86_64")[:80], "is cut off, or has no program headers"),
        (b"MZ" + bytes(100), "is no ELF file"),
        (b"", "is no ELF file"),
    ],
)
def test_the_checker_refuses_a_library_that_cannot_be_loaded(parts, data, sentence):
    (parts / "jni/x86_64/libone.so").write_bytes(data)
    code, (found,) = check(packed(parts))
    assert code == 1
    assert f"lib/x86_64/libone.so {sentence}" in found


def test_the_checker_refuses_a_folder_that_is_no_abi(parts):
    (parts / "jni/x86_64").rename(parts / "jni/x86-64")
    code, sentences = check(packed(parts))
    assert code == 1
    assert all("is no ABI of Android's" in sentence for sentence in sentences)


def test_the_checker_says_what_is_no_apk(tmp_path):
    file = tmp_path / "app.apk"
    file.write_bytes(b"PK\x03\x04 but no more")
    code, (sentence,) = check(file)
    assert code == 2
    assert "is no APK" in sentence
    assert check(tmp_path / "lost.apk")[0] == 2


def test_the_checker_names_parts_that_every_app_has(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.apk", "w") as archive:
        archive.writestr("classes.dex", b"dex", zipfile.ZIP_DEFLATED)
    assert check(tmp_path / "app.apk") == (
        1,
        ["check_apk: AndroidManifest.xml is missing", "check_apk: resources.arsc is missing"],
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The folder with ExecuTorch's libraries for two ABIs, linked for pages of 16 KB."""
    folder = tmp_path_factory.mktemp("executorch")
    return executorch_package.unpack(folder, executorch_package.LIBRARIES)


def test_real_libraries_lie_right_after_signing_too(parts, real, tmp_path):
    shutil.rmtree(parts / "jni")
    shutil.copytree(real, parts / "jni")
    apk = packed(parts)
    assert check(apk) == (0, [])
    lacks = [name for name in ("apksigner", "keytool") if shutil.which(name) is None]
    if lacks:
        pytest.skip(f"this machine lacks {', '.join(lacks)}: the unsigned APK was checked")
    key = ["-keystore", tmp_path / "key", "-storepass", "password", "-alias", "key"]
    subprocess.run(
        ["keytool", "-genkeypair", *key, "-dname", "CN=Test", "-keyalg", "EC"], check=True
    )
    sign = ["apksigner", "sign", "--ks", tmp_path / "key", "--ks-pass", "pass:password"]
    sign += ["--min-sdk-version", "26", "--v4-signing-enabled", "false"]
    subprocess.run([*sign, "--out", tmp_path / "signed.apk", apk], check=True)
    assert check(tmp_path / "signed.apk") == (0, [])
    for path in real.glob("*/libexecutorch.so"):
        assert begins(tmp_path / "signed.apk", path.read_bytes()) % PAGE == 0


def test_a_real_library_for_small_pages_is_refused(parts, real):
    """As linkers made them before: the same library, its segments aligned to 4096 bytes."""
    path = parts / "jni/arm64-v8a/libone.so"
    path.write_bytes(for_small_pages((real / "arm64-v8a/libexecutorch.so").read_bytes()))
    code, sentences = check(packed(parts))
    assert code == 1
    assert len(sentences) > 1
    assert all("libone.so has a LOAD segment that is aligned to 4096" in said for said in sentences)


def for_small_pages(elf):
    """The ELF file of 64 bits with every LOAD segment aligned to 4096 bytes."""
    changed = bytearray(elf)
    (start,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for header in range(start, start + size * count, size):
        if struct.unpack_from("<I", elf, header) == (1,):
            struct.pack_into("<Q", changed, header + 48, 4096)
    return bytes(changed)


def test_segments_are_those_that_readelf_names(real):
    if shutil.which("readelf") is None:
        pytest.skip("this machine lacks readelf (Debian: binutils)")
    for path in real.glob("*/libexecutorch.so"):
        command = ["readelf", "-lW", path]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in text.splitlines() if line.split()[:1] == ["LOAD"]]
        told = [(int(row[1], 16), int(row[2], 16), int(row[-1], 16)) for row in rows]
        _, found = check_apk.segments(path.read_bytes())
        assert told
        assert [(one.offset, one.address, one.alignment) for one in found] == told
