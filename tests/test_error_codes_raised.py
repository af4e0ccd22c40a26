"""Codes of errors that no other test asks for: what is refused, and with which code."""

import errno
import json
import types

import msgspec
import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.golden import parse_vectors
from mvmoe_deploy.bundle.integrity import plain_file, read_errors
from mvmoe_deploy.bundle.manifest_faults import of_field
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.bundle.unchanged import BundleReplacedError
from mvmoe_deploy.cli.error_report import error_report_of, interruption_report_of
from mvmoe_deploy.errors import BundleError, ImageError, InputError
from mvmoe_deploy.preprocessing.decoding import open_image
from mvmoe_deploy.samples import directory_images
from mvmoe_deploy.system.limits import limit_met


def test_files_of_a_bundle(tmp_path):
    with pytest.raises(BundleError) as caught:
        plain_file(tmp_path, "a.bin")
    assert (caught.value.code, caught.value.fields) == ("bundle.file-missing", {"file": "a.bin"})
    with pytest.raises(BundleError) as caught, read_errors(tmp_path, "a.bin"):
        raise PermissionError(errno.EACCES, "denied")
    assert caught.value.code == "bundle.file-unreadable"
    assert BundleReplacedError("it").code == "bundle.replaced"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([], "bundle.manifest-wrong-type"),
        ({"format": "mvmoe-bundle", "version": 2}, "bundle.manifest-missing-field"),
        ({"format": "mvmoe-bundle", "version": 99}, "bundle.unsupported-version"),
    ],
)
def test_manifests(content, code):
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(content).encode(), "the test")
    assert caught.value.code == code


def test_a_sentence_of_the_decoder_that_is_not_known_has_the_general_code():
    assert (
        of_field(msgspec.ValidationError("it is odd - at `$.a`")).code == "bundle.manifest-invalid"
    )


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (3, "image.type"),
        (np.zeros((2, 2)), "image.type"),
        ("no_such_file.png", "image.unreadable"),
        (Image.new("F", (2, 2)), "image.unsupported-samples"),
    ],
)
def test_images(source, code):
    with pytest.raises(ImageError) as caught:
        open_image(source)
    assert caught.value.code == code


def test_a_directory_without_images(tmp_path):
    with pytest.raises(InputError) as caught:
        directory_images(tmp_path)
    assert caught.value.code == "input.no-images"


def test_limits():
    for number, code in ((errno.EMFILE, "limit.files"), (errno.EAGAIN, "limit.threads")):
        assert limit_met(OSError(number, "refused")).code == code


def test_a_plug_in_without_a_part():
    with pytest.raises(InputError) as caught:
        part_lookup._declared(types.ModuleType("empty"), "rules.empty")
    assert caught.value.code == "part.invalid"


def test_the_process():
    said = interruption_report_of(KeyboardInterrupt())
    assert (said.code, said.exit_code) == ("process.interrupted", 130)
    assert error_report_of(OSError("disk"), "mvmoe").code == "system.refused"


def test_golden_vectors():
    with pytest.raises(BundleError) as caught:
        parse_vectors(b"\x04\0\0\0\0\0\0\0none", None, "the test")
    assert caught.value.code == "bundle.golden-invalid"
