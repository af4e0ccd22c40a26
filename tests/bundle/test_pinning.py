"""A bundle that is pinned by the SHA-256 of its manifest, which has the hashes of all its files."""

import hashlib
import json

import pytest
from expected_errors import raises

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import BundleError, InputError


def digest_of(bundle):
    return hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()


def test_a_bundle_opens_with_its_own_hash_and_tells_it(bundle):
    digest = digest_of(bundle)
    assert Bundle.open(bundle).manifest_sha256 == digest
    assert Bundle.open(bundle, digest).manifest_sha256 == digest
    assert Bundle.open(bundle, manifest_sha256=digest.upper()).manifest_sha256 == digest


@pytest.mark.parametrize("open_", [Bundle.open, Dispatcher.open])
def test_another_manifest_is_refused_unread(bundle, open_):
    digest = digest_of(bundle)
    manifest = bundle / "manifest.json"
    # A space more changes nothing of what the manifest says, and bytes that are no JSON come to
    # the same sentence: nothing is parsed before it is known to be what was asked for.
    for data in (manifest.read_bytes() + b" ", b"\xff{"):
        manifest.write_bytes(data)
        with pytest.raises(
            BundleError, check=lambda error: error.code == "bundle.wrong-manifest"
        ) as caught:
            open_(bundle, manifest_sha256=digest)
        assert digest in str(caught.value)
        assert digest_of(bundle) in str(caught.value)


@pytest.mark.parametrize(
    "given", ["", "ab", "g" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", 7, b"0"]
)
@pytest.mark.parametrize("open_", [Bundle.open, Dispatcher.open])
def test_what_is_no_hash_is_refused(bundle, open_, given):
    with raises(InputError, "input.invalid", name="manifest_sha256"):
        open_(bundle, manifest_sha256=given)


def run(capfd, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code, *capfd.readouterr()


def test_inspect_prints_the_hash(bundle, capfd):
    code, out, _ = run(capfd, "inspect", bundle)
    assert code == 0 and f"SHA-256 {digest_of(bundle)}" in out
    code, out, _ = run(capfd, "inspect", bundle, "--json")
    assert code == 0 and json.loads(out)["manifest_sha256"] == digest_of(bundle)


@pytest.mark.parametrize(
    "command",
    [
        ["inspect"],
        ["verify"],
        ["run", "photo.png"],
        ["bench", "-o", "out.jsonl"],
        ["bench", "--advise"],
    ],
)
def test_every_command_that_opens_a_bundle_can_pin_it(bundle, capfd, command):
    name, *options = command
    code, out, err = run(capfd, name, bundle, *options, "--manifest-sha256", "0" * 64)
    assert code == 2 and not out
    assert "is not the one that was asked for" in err


def test_bench_takes_a_hash_for_each_bundle(bundle, capfd):
    pins = ["--manifest-sha256", digest_of(bundle)] * 2
    for options in (["-o", "out.jsonl"], ["--advise"]):
        code, _, err = run(capfd, "bench", bundle, *options, *pins)
        assert code == 2 and "2 hashes of manifests were given for 1 bundles" in err
