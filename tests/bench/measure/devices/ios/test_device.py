"""Orders go to an iPhone by devicectl, and lines come back; what goes wrong has its error."""

import _thread
import json
import plistlib
import threading
import time
from types import SimpleNamespace

import pytest
from expected_errors import raises
from phone_runs import caught, ran

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.ios import app, conditions, devicectl
from mvmoe_bench.measure.devices.ios.device import IosDevice
from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.phones import app_following
from mvmoe_bench.measure.schema import records as r
from mvmoe_deploy.errors import EngineError, InputError, UnsupportedPlatformError
from mvmoe_deploy.runtime.runners.coreml import runner

FILES = "Documents/bench-files"


def test_an_order_is_followed_with_its_files_in_the_apps_folder(device, phone, order):
    lines = ran(device, order("a", "b"))

    assert [(line.subject, line.image) for line in lines] == [("a", 0), ("b", 0), ("b", 1)]
    root, files = json.loads(lines[0].name)
    assert root.startswith(f"{FILES}/") and root.endswith(f"-bundle-{'ab' * 32}")
    assert files == ["graphs/stem.onnx", "manifest.json"]
    brought = phone.container / root / "graphs/stem.onnx"
    assert brought.read_bytes() == bytes(range(256))


def test_files_are_brought_once(device, phone, order):
    ran(device, order("a"))
    ran(device, order("a"))
    ran(find_device("ios"), order("a"))
    copies = [told for told in phone.told() if told.startswith("device copy to")]
    assert len([told for told in copies if "bundle-" in told and ".place" not in told]) == 1


def test_a_copy_that_was_cut_off_is_made_again_under_another_name(device, phone, order):
    phone.write("cut-off", "")
    _, error = caught(device, order("a"))
    assert error.code == "device.lost"
    (phone.folder / "cut-off").unlink()
    assert len(ran(device, order("a"))) == 2


def test_copies_that_land_in_a_folder_are_read_too(device, phone, order):
    phone.write("misplace", "")
    assert len(ran(device, order("a"))) == 2


@pytest.mark.parametrize("how", ["die", "hang"])
def test_an_app_that_ends_is_a_failure_of_the_subject_at_work(
    device, phone, order, how, monkeypatch
):
    monkeypatch.setattr(app_following, "SILENT_FOR", 6.0)
    if how == "hang":  # Its process lives and gives no sign.
        device._app.description  # noqa: B018 - asked while it answers
        monkeypatch.setattr(IosDevice, "_cool_down", lambda self: None)
        phone.install("sleep 600")
    else:
        phone.write("behave", "die b")

    lines = ran(device, order("a", "b", "c"))

    failures = [line for line in lines if isinstance(line, r.Failure)]
    assert [failure.code for failure in failures] == ["device.app-ended"]
    if how == "hang":
        assert "iOS says: its process lives, and hangs" in failures[0].message
        assert [failure.subject for failure in failures] == [None] and len(lines) == 1
    else:
        assert "iOS says: its process has ended" in failures[0].message
        told = [line.subject for line in lines if isinstance(line, Answer)]
        assert failures[0].subject == "b"
        # What b had measured is kept; the others were asked again without it.
        assert told == ["b", "a", "c", "c"]


def test_what_the_app_says_of_its_failure_is_passed_on(device, phone, order):
    phone.write("behave", "fail the images have another shape")
    (line,) = ran(device, order("a"))
    assert (line.subject, line.message, line.code) == (None, "the images have another shape", None)


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("locked", "device.locked", "Auto-Lock"),
        ("untrusted", "device.untrusted", "VPN & Device Management"),
        ("developer-mode", "device.developer-mode", "Developer Mode"),
        ("lost", "device.lost", "--resume"),
        ("other", "device.failed", "Something else is the matter"),
    ],
)
def test_an_app_that_is_not_started_has_its_error(  # noqa: PLR0917
    device, phone, order, how, code, says
):
    phone.write("refuse", f"process launch: {how}")
    lines, error = caught(device, order("a"))
    assert (error.code, error.fields["serial"], lines) == (code, "Ada's iPhone", [])
    assert says in str(error)


def test_a_full_phone_while_files_are_brought(device, phone, order):
    phone.write("refuse", "copy to: full")
    lines, error = caught(device, order("a"))
    assert (error.code, lines) == ("device.full", [])


def test_a_full_phone_while_lines_are_written(device, phone, order):
    phone.write("behave", "fail write failed: No space left on device")
    _, error = caught(device, order("a"))
    assert error.code == "device.full"


@pytest.mark.parametrize("how", ["is refused", "hangs"])
def test_a_phone_that_is_gone_keeps_what_was_fetched(  # noqa: PLR0917
    device, phone, order, once_fetched, how, monkeypatch
):
    phone.write("behave", "hang b")
    if how == "hangs":
        monkeypatch.setattr(devicectl, "_GRACE", -4.0)
        once_fetched(lambda: phone.write("hang", "copy from"))
    else:
        once_fetched(lambda: phone.write("refuse", "copy from: lost"))
    monkeypatch.setattr("mvmoe_bench.measure.devices.ios.container._COPY_SECONDS", 5.0)

    lines, error = caught(device, order("a", "b"))

    assert (error.code, error.fields["serial"]) == ("device.lost", "Ada's iPhone")
    assert "--resume" in str(error)
    assert [line.subject for line in lines] == ["a", "b"]
    phone.write("behave", "")
    phone.write("refuse", "")
    phone.write("hang", "")
    monkeypatch.undo()


def test_an_interruption_ends_the_app_and_keeps_what_was_fetched(
    device, phone, order, once_fetched
):
    phone.write("behave", "hang b")
    lines = []
    once_fetched(_thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):
        device.run(order("a", "b"), lines.append)
    assert [line.subject for line in lines] == ["a", "b"]
    assert any(told.startswith("device process terminate") for told in phone.told())
    assert not (phone.folder / "pid").exists()


def _described(phone, **identity):
    said = json.loads((phone.folder / "described.json").read_text())
    said["identity"] |= identity
    phone.write("described.json", json.dumps(said))


def test_a_phone_that_stays_hot_is_refused_and_one_that_cools_is_waited_for(
    device, phone, order, monkeypatch
):
    _described(phone, thermal_status="severe")
    cooled = threading.Timer(1.0, _described, (phone,), {"thermal_status": "none"})
    cooled.start()
    begin = time.monotonic()
    assert len(ran(device, order("a"))) == 2
    assert time.monotonic() - begin > 1.0
    monkeypatch.setattr(conditions, "COOLED_WITHIN", 0.3)
    _described(phone, thermal_status="severe")
    lines, error = caught(device, order("a"))
    assert (error.code, lines) == ("device.too-hot", [])
    assert "its thermal status is severe" in str(error)


def test_identity_is_what_devicectl_and_the_app_say_but_not_whose_it_is(device, phone):
    identity = device.identity()
    found = {name: identity[name] for name in ("model", "os", "build", "abi", "connection")}
    assert found == {
        "model": "iPhone 16 iPhone17,3", "os": "iOS 18.5", "build": "22F76", "abi": "arm64",
        "connection": "wired",
    }  # fmt: skip
    assert identity["memory_bytes"] == 8_000_000_000
    assert identity["packages"]["swift"] == "6.0"
    assert not any(private in json.dumps(identity) for private in ("Ada", "0000F00D", "SN"))


def test_heat_battery_and_power_are_asked_for_after_a_job(device, phone):
    _described(phone, thermal_status="light", battery=72, low_power=True)
    assert device.conditions() == r.Conditions(
        thermal_status="light", battery_level=72, low_power=True
    )


def test_compute_units_are_named_as_on_a_mac(device):
    found = device.variants(SimpleNamespace(format="coreml"), plugins=False)
    named = [variant.engine_options["compute_units"] for variant in found]
    assert named[0] == "all" and set(named) == set(runner._UNITS)


def test_a_target_that_the_app_lacks_is_refused(device):
    with raises(
        UnsupportedPlatformError, "engine.unsupported-platform", name="onnx", expected=["coreml"]
    ):
        device.variants(SimpleNamespace(format="onnx"), plugins=False)


def test_a_phone_without_the_app_is_refused(phone):
    phone.write("apps", "com.example.other\n")
    with raises(UnsupportedPlatformError, "device.app-missing", serial="Ada's iPhone"):
        find_device("ios")


def test_an_app_that_was_built_is_installed_first(phone, tmp_path, monkeypatch):
    phone.write("apps", "")
    built = tmp_path / "MVMoEDemo.app"
    built.mkdir()
    (built / "Info.plist").write_bytes(
        plistlib.dumps({"CFBundleIdentifier": "io.github.mvmoe.demo"})
    )
    monkeypatch.setenv(app.VARIABLE, str(built))
    find_device("ios")
    assert any(told.startswith("device install app") for told in phone.told())


@pytest.mark.parametrize("content", [None, b"no plist", plistlib.dumps({})])
def test_what_is_no_app_is_refused_before_anything_is_installed(
    phone, tmp_path, monkeypatch, content
):
    built = tmp_path / "Other.app"
    built.mkdir()
    if content is not None:
        (built / "Info.plist").write_bytes(content)
    monkeypatch.setenv(app.VARIABLE, str(built))
    with raises(InputError, "input.option", name="MVMOE_IOS_APP", given=str(built)):
        find_device("ios")
    assert not any("install" in told for told in phone.told())


def test_an_app_that_says_nothing_or_something_else_is_refused(phone, device, monkeypatch):
    monkeypatch.setattr(app, "DESCRIBED_WITHIN", 1.0)
    phone.write("described.json", '{"variants": 3}')
    with raises(EngineError, "device.app-ended", serial="Ada's iPhone", found="another version"):
        device.identity()
    phone.install("sleep 60")
    with raises(EngineError, "device.app-ended", serial="Ada's iPhone", found="no answer"):
        IosDevice().identity()
