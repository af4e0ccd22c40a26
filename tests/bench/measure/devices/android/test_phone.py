"""Which phone is meant, and what is said where none, several or another one is there."""

import pytest
from expected_errors import raises

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.android import adb as adb_program
from mvmoe_bench.measure.devices.android.phone import find_phone
from mvmoe_bench.measure.phones import phone_errors
from mvmoe_deploy.errors import EngineError, MissingExtraError, UnsupportedPlatformError

ONE = "R58M\tdevice\n"
TWO = ONE + "emulator-5554\tdevice\n"
DENIED = "R58M\tno permissions (missing udev rules? user is in the plugdev group); see [page]\n"


@pytest.fixture
def adb(tmp_path, monkeypatch):
    """Makes an `adb` that lists these phones; `other` is a script for all else."""

    def make(listed, other="exit 1", listing_code=0):
        program = tmp_path / "adb"
        program.write_text(
            f'#!/bin/bash\nif [ "$1" = devices ]; then\n'
            f"printf 'List of devices attached\\n'; cat {tmp_path}/listed; exit {listing_code}\n"
            f"fi\n{other}\n"
        )
        (tmp_path / "listed").write_text(listed)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.delenv("ANDROID_SERIAL", raising=False)

    return make


def test_the_only_phone_is_the_one(adb):
    adb(ONE + "\n")
    assert find_phone() == "R58M"


def test_of_several_the_named_one_is(adb, monkeypatch):
    adb(TWO)
    monkeypatch.setenv("ANDROID_SERIAL", "emulator-5554")
    assert find_phone() == "emulator-5554"


@pytest.mark.parametrize(
    ("listed", "serial", "code", "fields", "says"),
    [
        ("", None, "device.none", {}, "switch on USB debugging"),
        ("", "R58M", "device.none", {"serial": "R58M", "available": []}, "adb sees no phone"),
        (ONE, "X", "device.none", {"serial": "X", "available": ["R58M"]}, "adb sees R58M"),
        (TWO, None, "device.several", {"available": ["R58M", "emulator-5554"]},
         "ANDROID_SERIAL=R58M mvmoe bench"),
        ("R58M\tunauthorized\n", None, "device.unauthorized", {"serial": "R58M"}, "unlock it"),
        ("R58M\tauthorizing\n", None, "device.unauthorized", {"serial": "R58M"}, "unlock it"),
        ("R58M\toffline\n", None, "device.offline", {"serial": "R58M", "found": "offline"},
         "calls it 'offline'"),
        ("R58M\trecovery\n", "R58M", "device.offline", {"serial": "R58M", "found": "recovery"},
         "adb kill-server"),
        (DENIED, None, "device.offline",
         {"serial": "R58M", "found": DENIED.partition("\t")[2].strip()}, "no permissions"),
    ],
)  # fmt: skip
def test_each_other_state_has_its_error(  # noqa: PLR0917
    adb, monkeypatch, listed, serial, code, fields, says
):
    adb(listed)
    if serial is not None:
        monkeypatch.setenv("ANDROID_SERIAL", serial)
    with pytest.raises(UnsupportedPlatformError) as caught:
        find_device("android")
    assert (caught.value.code, caught.value.fields) == (code, fields)
    assert says in str(caught.value)


def test_without_adb_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises(MissingExtraError, "extra.missing", what="adb") as caught:
        find_phone()
    assert caught.value.fields == {"what": "adb"}


def test_an_adb_that_fails_is_quoted(adb):
    adb("", listing_code=1)
    with raises(UnsupportedPlatformError, "device.none", found="it says nothing of why"):
        find_phone()


def test_an_adb_that_hangs_is_no_phone(adb, monkeypatch):
    adb(ONE, other="sleep 60")
    with raises(EngineError, "device.lost", serial="R58M", found="no answer within 0 s"):
        adb_program.Adb("R58M").shell("true", seconds=0.1)


def test_a_connection_that_breaks_is_no_end_of_a_command(adb):
    """adb's own exit code is 0 then: the command's last words are missing."""
    adb(ONE, other="printf 'half of it'; exit 0")
    with raises(EngineError, "device.lost", serial="R58M"):
        adb_program.Adb("R58M").shell("cat lines.jsonl")


def test_what_a_command_says_at_its_end_is_none_of_its_output(adb):
    adb(ONE, other="printf 'a\\nmvmoe-end 0\\nb\\nmvmoe-end 3'")
    answer = adb_program.Adb("R58M").shell("x")
    assert (answer.out, answer.code) == (b"a\nmvmoe-end 0\nb", 3)


def test_the_command_says_where_what_was_measured_is(mvmoe, tmp_path, monkeypatch):
    from mvmoe_bench.measure.planning import running

    def lost(request, progress):
        request.output.write_text("lines")
        raise phone_errors.lost("R58M")

    monkeypatch.setattr(running, "run_bench", lost)
    code, out, said = mvmoe("bench", "x.mvmoe", "--json", "-o", tmp_path / "r.jsonl")
    assert code == 1 and '"device.lost"' in out
    assert f"what was measured is in {tmp_path / 'r.jsonl'}" in said
    assert "--resume goes on from there" in said


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("error: device offline", "device.lost"),
        ("adb: error: failed to get feature set: device 'R58M' not found", "device.lost"),
        ("adb: error: failed to copy: remote No space left on device", "device.full"),
        ("adb: error: failed to copy: remote Permission denied", "device.failed"),
    ],
)
def test_what_ends_a_push_is_told_apart(adb, tmp_path, said, code):
    adb(ONE, other=f'echo "{said}" >&2; exit 1')
    with pytest.raises(EngineError) as caught:
        adb_program.Adb("R58M").push(tmp_path / "listed", "/data/x", 4)
    assert caught.value.code == code
