"""What is in the demo's APK, as Android's own programs read it."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import check_apk
import demo_apk
import pytest

COMPONENTS = ("activity", "provider", "receiver", "service")


def test_it_is_the_app_that_it_should_be(apk):
    numbers = demo_apk.catalogue()
    version = numbers["mvmoe"].removesuffix("-SNAPSHOT")
    assert (
        f"package: name='{demo_apk.PACKAGE}' versionCode='1' versionName='{version}'" in apk.badging
    )
    assert f"\nsdkVersion:'{numbers['minSdk']}'\n" in apk.badging
    assert f"\ntargetSdkVersion:'{numbers['targetSdk']}'\n" in apk.badging
    assert f"\napplication-label:'{demo_apk.source_strings()['app_name']}'\n" in apk.badging


def test_it_asks_for_the_camera_alone_and_runs_without_one(apk):
    assert apk.named("uses-permission") == ["android.permission.CAMERA"]
    assert apk.named("uses-feature") == ["android.hardware.faketouch"]


def test_it_can_be_started_and_looked_into_by_adb(apk):
    assert "\napplication-debuggable\n" in apk.badging
    assert apk.named("launchable-activity") == [f"{demo_apk.PACKAGE}.MainActivity"]


def test_libraries_stay_in_the_apk(apk):
    assert re.search(r"android:extractNativeLibs\(0x010104ea\)=false", apk.manifest)
    assert "native-code: 'arm64-v8a' 'x86_64'\n" in apk.badging


def test_every_class_of_the_manifest_is_there(apk):
    application = demo_apk.source_manifest().find("application")
    nodes = [application, *(node for kind in COMPONENTS for node in application.iter(kind))]
    names = [node.attrib[f"{demo_apk.ANDROID}name"] for node in nodes]
    assert len(names) > 1
    for name in names:
        full = f"{demo_apk.PACKAGE}{name}" if name.startswith(".") else name
        assert "<init>" in apk.members[full], full


def test_every_view_of_a_layout_is_there(apk):
    own = {
        node.tag
        for path in (demo_apk.MAIN / "res").glob("layout*/*.xml")
        for node in ElementTree.parse(path).iter()
        if "." in node.tag and not node.tag.startswith("android.")
    }
    assert own
    assert own <= apk.members.keys()


@pytest.fixture(scope="module")
def engine(made):
    """The jar of ONNX Runtime for desktops, of the version that the app is compiled against."""
    class_path = (made / "target/android/class-path.txt").read_text().split(":")
    (jar,) = (path for path in class_path if Path(path).name.startswith("onnxruntime-"))
    with zipfile.ZipFile(jar) as archive:
        yield archive


@pytest.fixture(scope="module")
def native_code(engine):
    """Its native library for Java, which names what it looks up and what it implements."""
    return engine.read("ai/onnxruntime/native/linux-x64/libonnxruntime4j_jni.so")


def test_every_class_that_the_engine_looks_up_is_there(apk, native_code):
    found = re.findall(rb"\0(ai/onnxruntime/[\w$]+)(?=\0)", native_code)
    names = {name.decode().replace("/", ".") for name in found}
    assert len(names) > 10
    assert names <= apk.members.keys()


def test_every_method_that_the_engine_implements_is_there(apk, engine, native_code):
    checked = 0
    for symbol in set(re.findall(rb"\0Java_(ai_\w+)(?=\0)", native_code)):
        # How JNI writes $, and what follows the name where a method is overloaded.
        text = symbol.decode().replace("_00024", "$").split("__")[0]
        name, method = text.replace("_", "/").rsplit("/", 1)
        # The library has methods that the classes no longer declare.
        if method.encode() in engine.read(f"{name}.class"):
            assert method in apk.members[name.replace("/", ".")], symbol
            checked += 1
    assert checked > 50


def test_coroutines_find_the_main_thread(apk):
    assert "kotlinx.coroutines.android.AndroidDispatcherFactory" in apk.members


def test_android_8_reads_its_classes(apk):
    with zipfile.ZipFile(apk.path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dex")]
        assert "classes.dex" in names
        for name in names:
            assert archive.read(name)[:8] in (b"dex\n035\0", b"dex\n037\0", b"dex\n038\0")


def test_stack_traces_have_the_lines_of_the_sources(apk):
    """As R8 leaves them where it writes no mapping that somebody would have to keep."""
    assert "r8-map-id" not in demo_apk.said("dexdump", apk.path)


def test_it_is_signed_for_every_android_that_it_runs_on(apk):
    told = demo_apk.said("apksigner", "verify", "--print-certs", "-v", apk.path)
    assert "Verified using v2 scheme (APK Signature Scheme v2): true" in told
    assert "Verified using v3 scheme (APK Signature Scheme v3): true" in told
    assert "Number of signers: 1\n" in told
    assert "certificate DN: CN=Android Debug, O=Android, C=US" in told


def test_it_lies_as_phones_map_it(apk):
    assert list(check_apk.problems(apk.path)) == []
    libraries = [entry for entry in check_apk.entries(apk.path) if entry.abi is not None]
    assert len(libraries) == 4
    assert all(entry.name.endswith("_stand_in.so") for entry in libraries)


def test_without_engine_and_bundle_it_is_small(apk):
    with zipfile.ZipFile(apk.path) as archive:
        sizes = {info.filename: info.compress_size for info in archive.infolist()}
    ours = {name: size for name, size in sizes.items() if not name.startswith(("lib/", "assets/"))}
    assert 100_000 < sum(ours.values()) <= 1_500_000, ours


def test_nothing_tells_where_it_was_built(apk):
    places = [str(demo_apk.ROOT), f"{Path.home()}/", sys.prefix]
    with zipfile.ZipFile(apk.path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert not [place for place in places if place.encode() in data], name


def test_all_texts_are_resources(apk):
    told = demo_apk.said("aapt2", "dump", "resources", apk.path)
    strings = demo_apk.source_strings()
    assert len(strings) >= 3
    for name in strings:
        assert re.search(rf"resource 0x7f[0-9a-f]{{6}} string/{name}\n", told), name


def test_no_layout_has_a_text_of_its_own():
    shown = ("text", "hint", "contentDescription", "label", "title")
    for path in (demo_apk.MAIN / "res").rglob("*.xml"):
        for node in ElementTree.parse(path).iter():
            for attribute in shown:
                text = node.attrib.get(f"{demo_apk.ANDROID}{attribute}", "@")
                assert text.startswith(("@", "?")), f"{path.name}: {text}"


def test_zipalign_agrees(apk):
    command = ["zipalign", "-c", "-p", "4", str(apk.path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
