"""The signatures that mvmoe-executorch is compiled against are those of executorch-android.

The AAR is on no registry that this build may use. The npm package react-native-executorch carries
its classes; they are read here, and never shipped.
"""

import hashlib
import re
import shutil
import subprocess

import executorch_package
import kotlin_runner
import pytest

STUBS = kotlin_runner.KOTLIN / "executorch-stubs/src/main/java"
SHA256 = "3d86d5c9180ff44ec6cfe28b87919f4249547355f3c01d6aaec0257e42f25d3c"
"""Of the classes, so that what is compared is always the same."""

LACKS = [program for program in ("javac", "javap", "npm") if shutil.which(program) is None]

pytestmark = pytest.mark.skipif(
    bool(LACKS), reason=f"this machine lacks {', '.join(LACKS)} (Debian: default-jdk-headless npm)"
)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The jar with executorch-android's classes, from npm's cache or its registry."""
    return executorch_package.unpack(tmp_path_factory.mktemp("npm"), executorch_package.CLASSES)


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    """The folder with the compiled stubs."""
    folder = tmp_path_factory.mktemp("stubs")
    sources = [str(path) for path in STUBS.rglob("*.java")]
    subprocess.run(
        ["javac", "--release", "8", "-Xlint:-options", "-d", folder, *sources], check=True
    )
    return folder


def names():
    """The public classes among the stubs."""
    return [
        ".".join(path.relative_to(STUBS).with_suffix("").parts)
        for path in sorted(STUBS.rglob("*.java"))
        if re.search(r"^public .*\b(?:class|enum) ", path.read_text(), re.MULTILINE)
    ]


def declarations(class_path, *classes):
    """Of each class its own line, and its public members with descriptors and constant values."""
    command = ["javap", "-public", "-s", "-constants", "-cp", str(class_path), *classes]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line.strip() for line in text.splitlines() if not line.startswith("Compiled from")]
    found, name = {}, None
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.endswith("{"):
            name = re.search(r"(?:class|enum) ([\w.]+)", line)[1]
            found[name] = (line, set())
        elif following.startswith("descriptor: "):
            # Whether a method is native is not the caller's business.
            found[name][1].add(f"{line.replace('native ', '')} {following}")
    assert found.keys() == set(classes)
    return found


def test_the_classes_are_the_ones_that_were_looked_at(real):
    assert hashlib.sha256(real.read_bytes()).hexdigest() == SHA256


def test_every_signature_is_the_real_one(stubs, real):
    real_classes = declarations(real, *names())
    for name, (head, members) in declarations(stubs, *names()).items():
        real_head, real_members = real_classes[name]
        assert head == real_head
        assert members, f"{name} without members says nothing"
        assert members <= real_members, f"not in executorch-android: {members - real_members}"


def test_a_signature_that_is_not_there_is_noticed(stubs, real, tmp_path):
    source = (STUBS / "org/pytorch/executorch/Module.java").read_text()
    wrong = tmp_path / "Module.java"
    wrong.write_text(source.replace("int loadMethod(", "long loadMethod("))
    command = [
        "javac",
        "-cp",
        stubs,
        "-d",
        tmp_path,
        wrong,
        STUBS / "org/pytorch/executorch/Stub.java",
    ]
    subprocess.run(list(map(str, command)), check=True)
    name = "org.pytorch.executorch.Module"
    missing = declarations(tmp_path, name)[name][1] - declarations(real, name)[name][1]
    assert [line.split("(")[0] for line in missing] == ["public long loadMethod"]
