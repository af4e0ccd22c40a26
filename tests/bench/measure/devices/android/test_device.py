"""Orders go to a phone over a real adbd, and lines come back; what goes wrong has its error."""

import _thread
import json
import threading
import time
from pathlib import Path

import msgspec
import pytest
from expected_errors import raises
from phone_runs import caught, ran

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.android import conditions, store
from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.phones import app_following
from mvmoe_bench.measure.schema import records as r
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError, UnsupportedPlatformError


def test_an_order_is_followed_with_its_files_and_nothing_is_left(device, phone, order):
    lines = ran(device, order("a", "b"))

    assert [(line.subject, line.image) for line in lines] == [("a", 0), ("b", 0), ("b", 1)]
    root, files = json.loads(lines[0].name)
    assert files == ["graphs/stem.onnx", "manifest.json"]
    assert root == f"{store.PLACE}/bundle-{'ab' * 32}"
    assert Path(root, "graphs/stem.onnx").read_bytes() == bytes(range(256))
    left = [path.name for path in (phone.data / "files/bench").iterdir()]
    assert left == []
    names = {path.name.partition("-")[0] for path in Path(store.PLACE).iterdir()}
    assert names == {"bundle", "file"}


def test_files_are_brought_once(device, phone, order):
    ran(device, order("a"))
    brought = {path: path.stat().st_ctime_ns for path in Path(store.PLACE).iterdir()}
    ran(device, order("a"))
    another = find_device("android")
    ran(another, order("a"))
    assert brought == {path: path.stat().st_ctime_ns for path in Path(store.PLACE).iterdir()}


def test_where_the_app_cannot_read_it_has_copies_of_its_own(device, phone, order):
    phone.write("behave", "unreadable")
    lines = ran(device, order("a"))
    assert [type(line) for line in lines] == [Answer, Answer]
    root, files = json.loads(lines[0].name)
    assert root == f"{phone.data}/files/bench-files/bundle-{'ab' * 32}"
    assert files == ["graphs/stem.onnx", "manifest.json"]


@pytest.mark.parametrize("how", ["die", "hang"])
def test_an_app_that_ends_is_a_failure_of_the_subject_at_work(
    device, phone, order, how, monkeypatch
):
    monkeypatch.setattr(app_following, "SILENT_FOR", 6.0)
    if how == "hang":  # Its process lives and gives no sign.
        phone.install("sleep 600")
    else:
        phone.write("behave", "die b")
    phone.write("activity", "  ApplicationExitInfo #0:\n   process=x reason=3 (LOW_MEMORY) sub=0\n")

    lines = ran(device, order("a", "b", "c"))

    failures = [line for line in lines if isinstance(line, r.Failure)]
    assert [failure.code for failure in failures] == ["device.app-ended"]
    assert "Android says: low_memory" in failures[0].message
    if how == "hang":
        assert [failure.subject for failure in failures] == [None] and len(lines) == 1
    else:
        told = [line.subject for line in lines if isinstance(line, Answer)]
        assert failures[0].subject == "b"
        # What b had measured is kept; the others were asked again without it.
        assert told == ["b", "a", "c", "c"]


def test_what_the_app_says_of_its_failure_is_passed_on(device, phone, order):
    phone.write("behave", "fail the images have another shape")
    (line,) = ran(device, order("a"))
    assert (line.subject, line.message, line.code) == (None, "the images have another shape", None)


def test_a_phone_that_is_pulled_out_keeps_what_was_fetched(device, phone, order, once_fetched):
    phone.write("behave", "hang b")
    once_fetched(phone.disconnect)
    lines, error = caught(device, order("a", "b"))
    assert (error.code, error.fields["serial"]) == ("device.lost", "127.0.0.1:5556")
    assert "--resume" in str(error)
    assert [line.subject for line in lines] == ["a", "b"]
    phone.connect()
    phone.write("behave", "")
    assert len(ran(device, order("a", "b"))) == 3


def test_a_full_phone_while_files_are_brought(make_phone, order, tmp_path):
    mount = "mkdir -p {folder}/place && mount -t tmpfs -o size=64k none {folder}/place"
    make_phone(mount)
    made = order("a")
    Path(made.subjects[0].root, "graphs", "large").write_bytes(bytes(200_000))
    lines, error = caught(find_device("android"), made)
    assert (error.code, lines) == ("device.full", [])
    assert "free some space" in str(error)


def test_a_full_phone_while_lines_are_written(device, phone, order):
    phone.write("behave", "fail write failed: ENOSPC (No space left on device)")
    _, error = caught(device, order("a"))
    assert error.code == "device.full"


def test_an_interruption_ends_the_app_and_keeps_what_was_fetched(
    device, phone, order, once_fetched
):
    phone.write("behave", "hang b")
    lines = []
    once_fetched(_thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):
        device.run(order("a", "b"), lines.append)
    assert [line.subject for line in lines] == ["a", "b"]
    assert phone.told()[-1] == "am force-stop io.github.mvmoe.demo"
    assert not (phone.folder / "pid").exists()


def test_a_phone_that_stays_hot_is_refused_and_one_that_cools_is_waited_for(
    device, phone, order, monkeypatch
):
    phone.write("thermalservice", "Thermal Status: 3\n")
    cooled = threading.Timer(0.5, phone.write, ("thermalservice", "Thermal Status: 0\n"))
    cooled.start()
    begin = time.monotonic()
    assert len(ran(device, order("a"))) == 2
    assert time.monotonic() - begin > 0.5
    monkeypatch.setattr(conditions, "COOLED_WITHIN", 0.3)
    phone.write("thermalservice", "Thermal Status: 3\n")
    lines, error = caught(device, order("a"))
    assert (error.code, lines) == ("device.too-hot", [])
    assert "31.2 degrees and its thermal status is severe" in str(error)
    # An older phone says nothing but the temperature of its battery.
    phone.write("thermalservice", "")
    phone.write("battery", "  temperature: 455\n")
    _, error = caught(device, order("a"))
    assert error.code == "device.too-hot" and "45.5 degrees" in str(error)


FIXED = "power set-fixed-performance-mode-enabled"


def test_a_run_fixes_the_speed_and_keeps_the_phone_awake_for_as_long_as_it_lasts(device, phone):
    stay_on = phone.folder / "stay_on_while_plugged_in"
    with pytest.raises(KeyboardInterrupt), device.prepared():
        assert phone.told()[-1] == f"{FIXED} true"
        assert stay_on.read_text() == "15\n"
        assert device.identity()["fixed_performance"] is True
        raise KeyboardInterrupt
    assert phone.told()[-1] == f"{FIXED} false"
    assert stay_on.read_text() == "3\n"


def test_a_phone_without_a_fixed_speed_says_so(device, phone):
    phone.write("fixed-performance", "255")
    with device.prepared():
        assert device.identity()["fixed_performance"] is False


def test_an_android_before_11_is_not_asked_for_a_fixed_speed(device, phone):
    phone.write("properties", "[ro.build.version.sdk]: [29]\n")
    with device.prepared():
        assert device.identity()["fixed_performance"] is False
    assert not any("fixed-performance" in told for told in phone.told())


def test_identity_is_what_the_phone_says(make_phone):
    cores = (
        "mkdir -p {folder}/cpu/cpu0/cpufreq {folder}/cpu/cpu1/cpufreq; "
        "echo 1804800 >{folder}/cpu/cpu0/cpufreq/cpuinfo_max_freq; "
        "echo 2841600 >{folder}/cpu/cpu1/cpufreq/cpuinfo_max_freq; "
        "echo walt | tee {folder}/cpu/cpu{{0,1}}/cpufreq/scaling_governor >/dev/null; "
        "mount --bind {folder}/cpu /sys/devices/system/cpu"
    )
    make_phone(cores)
    identity = find_device("android").identity()
    assert {name: identity[name] for name in ("cpu", "cores_logical", "core_mhz", "governor")} == {
        "cpu": "QTI SM8650", "cores_logical": 2, "core_mhz": [1804, 2841], "governor": "walt",
    }  # fmt: skip
    assert identity["os"] == "Android 14 (API 34)"
    assert (identity["model"], identity["abi"]) == ("Maker Phone 7", "arm64-v8a")
    assert identity["build"] == "maker/phone/phone:14/AB/1:user/release-keys"
    assert identity["battery"] == {"level": 81, "celsius": 31.2, "power": "usb"}
    assert identity["thermal_status"] == "none"
    assert identity["memory_bytes"] > 1e8 and len(identity["load_average"]) == 3
    assert identity["packages"]["onnxruntime"] == "1.29.0"
    assert "127.0.0.1:5556" not in json.dumps(identity)


def test_a_phone_that_says_little_has_an_identity_too(device, phone):
    for name in ("properties", "battery", "thermalservice"):
        (phone.folder / name).unlink()
    identity = device.identity()
    assert identity["cpu"] is identity["build"] is identity["thermal_status"] is None
    assert identity["battery"] == {"level": None, "celsius": None, "power": "battery"}


def test_the_apps_ways_to_run_a_target_are_the_variants(device, tiny):
    target = Bundle.open(tiny / "tiny.mvmoe").target("onnx")
    variants = device.variants(target, plugins=False)
    assert [(v.requested.provider, v.engine_options, v.label) for v in variants] == [
        ("CPU", {}, ""),
        ("XNNPACK", {"provider": "xnnpack"}, "XNNPACK"),
        ("NNAPI", {"provider": "nnapi"}, "NNAPI"),
    ]
    assert device.subjects() == ("dispatcher", "bare")
    other = msgspec.structs.replace(target, format="coreml")
    with raises(
        UnsupportedPlatformError, "engine.unsupported-platform", name="coreml", expected=["onnx"]
    ):
        device.variants(other, plugins=False)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("package", "", "does not have the app io.github.mvmoe.demo"),
        ("run-as", "run-as: package not debuggable: io.github.mvmoe.demo", "not debuggable"),
    ],
)
def test_a_phone_without_the_app_is_told_how_to_build_it(phone, name, text, says):
    phone.write(name, text)
    with raises(UnsupportedPlatformError, "device.app-missing") as caught:
        find_device("android")
    assert says in str(caught.value)
    assert "android_demo/build-apk" in str(caught.value)


def test_an_app_of_another_version_is_one_sentence(device, phone):
    phone.install('echo "{}" >"${@: -1}/describe.json"')
    with raises(EngineError, "device.app-ended", found="another version"):
        device.identity()


def test_binary_output_and_exit_codes_pass(device):
    answer = device._adb.shell("printf '\\000\\r\\n\\377'; echo no >&2; exit 7")
    assert (answer.out, answer.code, answer.said.strip()) == (b"\0\r\n\xff", 7, "no")
