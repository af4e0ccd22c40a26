"""The script build-apk: its options, its sentences, and that an APK appears whole or not at all.

Where it gets beyond its arguments it runs in a copy of its folder, in which Maven and R8 give again
what they gave for the session's APK; all other programs are the real ones.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import demo_apk
import pytest
import stand_in

BUILD = demo_apk.DEMO / "build-apk"
ORT = f"onnxruntime-android-{demo_apk.catalogue()['onnxruntime']}"
R8 = f"r8-{re.findall('^r8_version=(.*)$', BUILD.read_text(), re.MULTILINE)[0]}.jar"

MAVEN = f"""\
#!{sys.executable}
import os, shutil, sys
from pathlib import Path

options = dict(word.split("=", 1) for word in sys.argv if "=" in word)
if artifact := options.get("-Dartifact"):
    _, name, version, kind = f"{{artifact}}:jar".split(":")[:4]
    served = Path(os.environ["SERVED"], f"{{name}}-{{version}}.{{kind}}")
    if not served.exists():
        sys.exit(f"[ERROR] Could not find artifact {{artifact}}")
    shutil.copy(served, options["-DoutputDirectory"])
else:
    shutil.copytree(
        Path(os.environ["MADE"], "target"), Path(os.environ["DEMO"], "target"), dirs_exist_ok=True
    )
"""
"""Gives what was compiled before, and artifacts of a folder."""

JAVA = """\
#!/usr/bin/env bash
set -euo pipefail
case "$*" in
  *com.android.tools.r8.R8*)
    echo "$*" >"$DEMO/r8.txt"
    cp -r "$MADE/dex" "$DEMO/target/apk/"
    ;;
  *) exec "$REAL_JAVA" "$@" ;;
esac
"""
"""Gives the classes that R8 made before; all else it runs."""


HANGS = """\
#!/usr/bin/env bash
while [ "$1" != --out ]; do shift; done
head -c 1000 /dev/zero >"$2"
exec sleep 60
"""
"""Writes a part of what it should, and goes on for ever."""


class Copy:
    """A copy of the demo's folder, with programs of its own before all others."""

    def __init__(self, folder, made):
        self.demo = folder / "android_demo"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.output = folder / "app.apk"
        ignored = shutil.ignore_patterns("target", "kotlin", "test", "assets", "__pycache__")
        shutil.copytree(demo_apk.DEMO, self.demo, ignore=ignored)
        self.served = folder / "served"
        self.serve(R8).touch()
        # To make one takes seconds.
        (self.demo / "target").mkdir()
        self.key = Path(shutil.copy(made / "debug.keystore", self.demo / "target"))
        self.environment = {
            **os.environ,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "DEMO": str(self.demo),
            "MADE": str(made),
            "SERVED": str(self.served),
            "REAL_JAVA": shutil.which("java"),
        }
        self.program("mvn", MAVEN)
        self.program("java", JAVA)

    def program(self, name, text):
        file = self.programs / name
        file.write_text(text)
        file.chmod(0o755)

    def serve(self, name):
        """Where an artifact lies that Maven finds."""
        self.served.mkdir(exist_ok=True)
        return self.served / name

    def command(self, *options):
        return [self.demo / "build-apk", *options, "-o", self.output]

    def run(self, *options):
        """Run it with the options, or with --stand-in where there are none."""
        options = options or ("--stand-in",)
        return subprocess.run(
            self.command(*options), env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def build(self, *options):
        ended = self.run(*options)
        assert ended.returncode == 0, ended.stderr
        return demo_apk.Apk(self.output), ended

    def left(self):
        """What lies beside the APK, and is not of the copy itself."""
        ours = {"android_demo", "programs", "served"}
        return {path.name for path in self.output.parent.iterdir()} - ours


@pytest.fixture
def copy(tmp_path, made):
    return Copy(tmp_path, made)


def run(*options, **environment):
    return subprocess.run(
        [BUILD, *options], env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--fast"], "--fast is no option: build-apk --help says which there are"),
        (["--jni"], "--jni needs a value: build-apk --help"),
        (["--jni", "nowhere"], "--jni nowhere is no folder: give one with ABI/lib*.so"),
        (["--jni", "."], "--jni . holds no native library: give a folder with ABI/lib*.so"),
        (["--jni", ".", "--stand-in"], "--jni and --stand-in are given: give one of them"),
        (["--r8", "r8.jar"], "--r8 r8.jar is no file: give R8's jar"),
        (["--keystore", "key"], "--keystore key is no file: give a key store"),
        (["--alias", "key"], "--alias key names a key of no key store: give one by --keystore"),
        (["-o", "."], "-o . is a folder: give a file to write"),
        (["-o", "no/app.apk"], "-o no/app.apk lies in a folder that does not exist: make it"),
    ],
)
def test_wrong_options_are_one_sentence(options, sentence, tmp_path):
    ended = subprocess.run(
        [BUILD, *options], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"build-apk: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
    assert not list(tmp_path.iterdir())


def test_a_key_store_needs_its_password(tmp_path):
    (tmp_path / "key").touch()
    ended = run("--keystore", tmp_path / "key", KEYSTORE_PASSWORD="")
    assert ended.returncode == 2
    assert ended.stderr == (
        "build-apk: --keystore needs the environment's KEYSTORE_PASSWORD: set it\n"
    )


def test_help_names_every_option():
    ended = run("--help")
    assert ended.returncode == 0
    for option in (
        "--release",
        "--d8",
        "--compiled",
        "--jni",
        "--stand-in",
        "--r8",
        "--keystore",
        "--alias",
        "-o",
    ):
        assert f"\n  {option} " in ended.stdout
    assert ended.stderr == ""


def test_nothing_is_compiled_again_where_that_is_asked_for(copy, made):
    copy.program("mvn", "#!/bin/sh\nexit 1\n")
    ended = copy.run("--stand-in", "--compiled", "--r8", copy.serve(R8))
    assert ended.returncode == 2
    assert ended.stderr == (
        "build-apk: --compiled was given, but nothing was compiled yet: make kotlin-test, or leave "
        "the option out\n"
    )
    shutil.copytree(made / "target", copy.demo / "target", dirs_exist_ok=True)
    apk, _ = copy.build("--stand-in", "--compiled", "--r8", copy.serve(R8))
    assert f"{demo_apk.PACKAGE}.MainActivity" in apk.members


def test_all_programs_that_are_missing_are_named_at_once(tmp_path):
    for name in ("bash", "dirname", "sed", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    ended = run("--stand-in", PATH=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr == (
        "build-apk: this machine lacks a JDK of version 17 or later"
        " (Debian: openjdk-17-jdk-headless); Maven (Debian: maven);"
        " aapt2 (Debian: aapt; Android's SDK: build-tools);"
        " apksigner (Debian: apksigner; Android's SDK: build-tools); unzip (Debian: unzip);"
        " Python 3.11 or later (Debian: python3): install them, and put them on the PATH\n"
    )


def test_two_builds_with_one_key_are_equal(copy):
    copy.key.unlink()
    first, ended = copy.build()
    assert ended.stdout == f"{copy.output}: {copy.output.stat().st_size} bytes\n"
    assert "the assets have no bundle" in ended.stderr
    bytes_of_first = first.path.read_bytes()
    copy.build()
    assert copy.output.read_bytes() == bytes_of_first
    assert copy.left() == {"app.apk"}
    rules = (copy.demo / "r8.txt").read_text()
    assert f"--pg-conf {copy.demo}/app/proguard-rules.pro" in rules
    assert "--min-api 26" in rules


def test_a_release_cannot_be_looked_into_and_has_the_key_that_was_given(copy, tmp_path):
    key = tmp_path / "release.key"
    make = ["keytool", "-genkeypair", "-keystore", key, "-storepass", "password", "-alias", "mine"]
    subprocess.run([*make, "-dname", "CN=Release", "-keyalg", "EC"], check=True)
    copy.environment["KEYSTORE_PASSWORD"] = "password"
    apk, _ = copy.build("--stand-in", "--release", "--keystore", key, "--alias", "mine")
    assert "application-debuggable" not in apk.badging
    assert "android:debuggable" not in apk.manifest
    told = demo_apk.said("apksigner", "verify", "--print-certs", apk.path)
    assert "certificate DN: CN=Release" in told


def jni(folder, abi="arm64-v8a", alignment=16384, machine="arm64-v8a"):
    """A folder as --jni takes it, with the engine's two libraries."""
    (folder / abi).mkdir(parents=True)
    for name in stand_in.LIBRARIES:
        data = stand_in.shared_object(stand_in.ABIS[machine], alignment)
        (folder / abi / f"lib{name}.so").write_bytes(data)
    return folder


def test_the_bundle_of_the_assets_and_libraries_that_the_user_names_are_packed(copy, tmp_path):
    folder = jni(tmp_path / "android_demo/jni")
    bundle = copy.demo / "app/src/main/assets/digits.mvmoe"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text("{}")
    (bundle / "weights.bin").write_bytes(b"weights")
    apk, ended = copy.build("--jni", folder)
    assert ended.stderr == ""
    assert apk.badging.endswith("native-code: 'arm64-v8a'\n")
    with zipfile.ZipFile(apk.path) as archive:
        assert archive.read("assets/digits.mvmoe/manifest.json") == b"{}"
        assert archive.getinfo("assets/digits.mvmoe/weights.bin").compress_type == 0
        for name in stand_in.LIBRARIES:
            library = folder / f"arm64-v8a/lib{name}.so"
            assert archive.read(f"lib/arm64-v8a/lib{name}.so") == library.read_bytes()


def test_the_engine_s_libraries_are_maven_s(copy, tmp_path):
    """The AAR is on no registry here: one with its folders, and stand-ins in them."""
    with zipfile.ZipFile(copy.serve(f"{ORT}.aar"), "w") as aar:
        aar.writestr("classes.jar", b"")
        for abi in ("armeabi-v7a", *stand_in.ABIS):
            for name in stand_in.LIBRARIES:
                data = stand_in.shared_object(stand_in.ABIS.get(abi, 40))
                aar.writestr(f"jni/{abi}/lib{name}.so", data)
    copy.environment["KEYSTORE_PASSWORD"] = "android"
    apk, _ = copy.build("--keystore", copy.key)
    assert "native-code: 'arm64-v8a' 'x86_64'\n" in apk.badging
    with zipfile.ZipFile(apk.path) as archive:
        libraries = [name for name in archive.namelist() if name.startswith("lib/")]
    names = sorted(f"lib{name}.so" for name in stand_in.LIBRARIES)
    assert libraries == [f"lib/{abi}/{name}" for abi in stand_in.ABIS for name in names]


def test_an_engine_that_maven_has_not_is_one_sentence_before_anything_is_compiled(copy):
    ended = copy.run("--d8")
    assert ended.returncode == 2
    version = ORT.removeprefix("onnxruntime-android-")
    assert ended.stderr == (
        f"build-apk: Maven found no onnxruntime-android {version} ([ERROR] Could not find artifact"
        f" com.microsoft.onnxruntime:onnxruntime-android:{version}:aar): give its native libraries"
        " by --jni DIR, or --stand-in for an APK that runs no model\n"
    )
    assert not (copy.demo / "target/android").exists()


def test_r8_that_maven_has_not_is_one_sentence_and_another_one_may_be_named(copy):
    served = copy.serve(R8)
    named = served.rename(copy.demo / "d8.jar")
    ended = copy.run("--stand-in")
    assert ended.returncode == 2
    assert "build-apk: Maven found no com.android.tools:r8:" in ended.stderr
    assert "the head of this script says how to fetch it" in ended.stderr
    assert ended.stderr.count("\n") == 1
    copy.build("--stand-in", "--r8", named)
    assert f"-cp {named} " in (copy.demo / "r8.txt").read_text()


def test_a_library_that_the_engine_needs_is_missed(copy, tmp_path):
    folder = jni(tmp_path / "android_demo/jni", alignment=4096)
    (folder / "arm64-v8a/libonnxruntime.so").unlink()
    ended = copy.run("--jni", folder)
    assert f"{folder}/arm64-v8a lacks libonnxruntime.so: on phones of that ABI" in ended.stderr
    assert "lacks libonnxruntime4j_jni.so" not in ended.stderr


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"alignment": 4096}, "has a LOAD segment that is aligned to 4096"),
        ({"machine": "x86_64"}, "is a library of another machine (ELF 62) than its folder says"),
        ({"abi": "aarch64"}, "lies in a folder that is no ABI of Android's"),
    ],
)
def test_libraries_that_no_phone_loads_are_refused(copy, tmp_path, wrong, sentence):
    copy.output.write_bytes(b"an older APK")
    ended = copy.run("--jni", jni(tmp_path / "android_demo/jni", **wrong))
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "the step check failed" in ended.stderr
    assert copy.output.read_bytes() == b"an older APK"
    assert copy.left() == {"app.apk"}


def test_resources_of_other_numbers_than_the_classes_are_refused(copy):
    strings = copy.demo / "app/src/main/res/values/strings.xml"
    strings.write_text(
        strings.read_text().replace("</resources>", '<string name="aa">a</string></resources>')
    )
    ended = copy.run()
    assert ended.returncode == 2
    assert "the resources have other numbers" in ended.stderr
    assert copy.left() == set()


def test_what_a_step_says_is_shown_where_it_fails(copy):
    strings = copy.demo / "app/src/main/res/values/strings.xml"
    strings.write_text("<resources>")
    ended = copy.run()
    assert ended.returncode == 1
    assert "strings.xml" in ended.stderr
    assert "build-apk: the step aapt2-compile failed" in ended.stderr


def test_a_disk_that_is_full_while_signing_leaves_the_older_apk(copy):
    copy.output.write_bytes(b"an older APK")
    real = shutil.which("apksigner")
    copy.program("apksigner", f'#!/usr/bin/env bash\nulimit -f 20\nexec "{real}" "$@"\n')
    ended = copy.run()
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert "build-apk: the step sign failed" in ended.stderr
    assert copy.output.read_bytes() == b"an older APK"
    assert copy.left() == {"app.apk"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_no_half_apk(copy, number):
    copy.program("apksigner", HANGS)
    with subprocess.Popen(
        copy.command("--stand-in"),
        env=copy.environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not copy.left() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert copy.left() == {"app.apk.part"}
            os.killpg(process.pid, number)
            process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + number
    assert copy.left() == set()
