"""Which phone is meant, by what devicectl lists; each state that is none has its error."""

import fake_devicectl
import pytest
from expected_errors import raises
from fake_devicectl import device

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.ios.phone import VARIABLE, find_phone
from mvmoe_deploy.errors import EngineError, MissingExtraError, UnsupportedPlatformError

OTHER = "0A1B2C3D-0000-5000-8000-00000000BEEF"


def test_the_only_phone_is_the_one(phone):
    assert find_phone().name == "Ada's iPhone"


def test_what_is_no_phone_does_not_count(phone):
    phone.list(
        device("Watch", OTHER, platform="watchOS"),
        device("Simulator", OTHER, reality="simulated"),
        {"something": "else"},
        device(),
    )
    assert find_phone().name == "Ada's iPhone"


def test_one_that_is_not_connected_is_passed_over(phone):
    phone.list(device("Bo's iPhone", OTHER, tunnelState="unavailable"), device())
    assert find_phone().name == "Ada's iPhone"


def test_one_that_connects_when_it_is_spoken_to_is_there(phone):
    phone.list(device(tunnelState="disconnected", transportType="localNetwork"))
    assert find_phone().identity()["connection"] == "localNetwork"


@pytest.mark.parametrize("word", ["Bo's iPhone", OTHER, "00008140-00000000BEEF", "SNBEEF"])
def test_of_several_the_named_one_is(phone, monkeypatch, word):
    phone.list(device(), device("Bo's iPhone", OTHER))
    monkeypatch.setenv(VARIABLE, word)
    assert find_phone().identifier == OTHER


@pytest.mark.parametrize(
    ("listed", "named", "code", "says"),
    [
        ([], None, "device.none", "connect one by USB"),
        ([], "Bo", "device.none", "devicectl lists no iPhone"),
        ([device()], "Bo", "device.none", "devicectl lists Ada's iPhone"),
        ([device(), device("Bo's iPhone", OTHER)], None, "device.several",
         'MVMOE_IOS_DEVICE="Ada\'s iPhone" mvmoe bench'),
        ([device(pairingState="unpaired")], None, "device.unauthorized", "trusts this Mac"),
        ([device(developerModeStatus="disabled")], None, "device.developer-mode",
         "Privacy & Security"),
        ([device(tunnelState="unavailable")], None, "device.offline", "unlock it"),
    ],
)  # fmt: skip
def test_each_other_state_has_its_error(  # noqa: PLR0917
    phone, monkeypatch, listed, named, code, says
):
    phone.list(*listed)
    if named is not None:
        monkeypatch.setenv(VARIABLE, named)
    with pytest.raises(UnsupportedPlatformError) as caught:
        find_device("ios")
    assert caught.value.code == code
    assert says in str(caught.value)


def test_without_xcode_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises(MissingExtraError, "extra.missing", what="devicectl") as caught:
        find_phone()
    assert caught.value.fields == {"what": "devicectl"}


def _xcrun(phone, script):
    (phone.programs / "xcrun").write_text(f"#!/bin/bash\n{script}\n")


def test_an_xcode_without_devicectl_is_named(phone):
    _xcrun(phone, 'echo "xcrun: error: unable to find utility \\"devicectl\\"" >&2; exit 72')
    with raises(MissingExtraError, "extra.missing", what="devicectl"):
        find_phone()


@pytest.mark.parametrize("written", ["", "no JSON", "[]", '{"info": 3}'])
def test_an_answer_that_is_none_is_quoted(phone, written):
    _xcrun(
        phone,
        f"""while [ "$1" != --json-output ]; do shift; done
printf '%s' '{written}' >"$2"; echo "it is broken" >&2; exit 1""",
    )
    with raises(EngineError, "device.failed", found="it is broken"):
        find_phone()


def test_a_list_that_is_refused_is_no_phone(phone):
    phone.write("refuse", "list devices: other")
    with raises(UnsupportedPlatformError, "device.none", found="Something else is the matter."):
        find_phone()


def test_refusals_are_read_to_their_innermost_error():
    from mvmoe_bench.measure.devices.ios.devicectl import Refusal, _causes

    refusal = Refusal(tuple(_causes(fake_devicectl.REFUSALS["locked"])))
    assert [cause.code for cause in refusal.causes] == [10002, 1, 7]
    assert str(refusal).endswith("because the device was not, or could not be, unlocked.")
