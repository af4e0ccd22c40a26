"""Where the graphs of baselines are kept: named after what makes them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_bench.measure.planning import models
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.given import Given
from mvmoe_export.targets import find_target


def folder(format=None):
    """The folder of a subject of a target of that format; None for one without a target."""
    subject = SimpleNamespace(
        target=format,
        target_record=SimpleNamespace(format=format),
        bundle=SimpleNamespace(manifest_sha256="ab", plugins=False),
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


@pytest.fixture
def by_task(tmp_path, monkeypatch):
    """The models of one bundle whose caller chooses a task; its queries are imposed or not."""

    def made(imposed):
        rules = (Given(experts=2, choice="task", named={"depth": (0,), "segment": (1,)}),)
        monkeypatch.setattr(models.Models, "_model", lambda self, name: None)
        monkeypatch.setattr(
            models.Models, "_answers", lambda self, name, imposed: {"a": np.zeros((1, 1))}
        )
        return models.Models(
            bundles={"b": SimpleNamespace(manifest=SimpleNamespace(rules=rules))},
            checkpoints={"b": tmp_path / "checkpoint"},
            config=None,
            weights=None,
            inputs=None,
            queries={"b": SimpleNamespace(forced=imposed)},
            folder=tmp_path,
            cache=None,
        )

    return made


def test_pytorch_is_compared_down_imposed_routes_where_a_caller_chooses(by_task):
    found = by_task(imposed=True)
    found.load()
    assert found.reference("b", imposed=False) == found.reference("b", imposed=True)


def test_real_images_of_a_caller_have_no_answer_of_pytorch(by_task):
    with raises(InputError, "input.option", name="images"):
        by_task(imposed=False).load()
