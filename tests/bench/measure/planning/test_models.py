"""Where the graphs of baselines are kept: named after what makes them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mvmoe_bench.measure.planning import models
from mvmoe_export.targets import find_target


def folder(format=None):
    """The folder of a subject of a target of that format; None for one without a target."""
    subject = SimpleNamespace(
        target=format,
        target_record=SimpleNamespace(format=format),
        bundle=SimpleNamespace(manifest_sha256="ab"),
    )
    run = SimpleNamespace(cache=Path("cache"))
    return models.Models._folder(run, subject)


@pytest.fixture
def versions(monkeypatch):
    """Versions of distributions, each 1 until it is changed."""
    changed = {}
    monkeypatch.setattr(models, "version_of", lambda package: changed.get(package, "1"))
    return changed


@pytest.mark.parametrize("format", ["onnx", "executorch", "coreml"])
def test_a_new_version_of_what_makes_a_targets_graphs_has_a_folder_of_its_own(versions, format):
    before = folder(format)
    for package in ("mvmoe-deploy", *find_target(format).packages):
        versions[package] = "2"
        assert folder(format) != before
        del versions[package]
    assert folder(format) == before


def test_other_packages_do_not_count(versions):
    before = folder("executorch"), folder()
    versions["onnxruntime"] = "2"
    assert (folder("executorch"), folder()) == before
