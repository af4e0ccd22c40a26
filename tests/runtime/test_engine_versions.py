"""The warning for an engine whose version nobody has tested."""

import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from mvmoe_deploy import Dispatcher, UntestedEngineWarning
from mvmoe_deploy.runtime.engine_versions import TestedVersions, warn_of_untested
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner

BUNDLE = Path(__file__).parents[1] / "conformance" / "answers" / "bundles" / "dispatch"
RANGE = TestedVersions("engine_of_this_test", "1.24.4", "1.33")


@pytest.mark.parametrize("version", ["1.24.4", "1.31.1", "1.32", "1.32.9.post1", "1.32.0rc1"])
def test_a_version_within_the_range_is_silent(monkeypatch, version):
    monkeypatch.setitem(sys.modules, RANGE.package, SimpleNamespace(__version__=version))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_untested([RANGE], stacklevel=1)


@pytest.mark.parametrize("version", ["1.24.3", "1.9", "1.33", "1.33.0", "2.0", "0"])
def test_a_version_beyond_the_range_is_named_with_it(monkeypatch, version):
    monkeypatch.setitem(sys.modules, RANGE.package, SimpleNamespace(__version__=version))
    with pytest.warns(UntestedEngineWarning) as caught:
        warn_of_untested([RANGE], stacklevel=1)
    (warning,) = caught
    assert all(text in str(warning.message) for text in (version, "1.24.4", "1.33"))
    assert warning.filename == __file__


def test_an_engine_that_does_not_say_its_version_is_not_judged(monkeypatch):
    monkeypatch.delitem(sys.modules, RANGE.package, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_untested([RANGE], stacklevel=1)


def test_opening_a_bundle_warns_where_it_was_called(monkeypatch):
    import onnxruntime

    monkeypatch.setattr(OnnxRunner, "tested_versions", (TestedVersions("onnxruntime", "0.1", "1"),))
    with pytest.warns(UntestedEngineWarning, match=onnxruntime.__version__) as caught:
        Dispatcher.open(BUNDLE, threads=1).close()
    assert [warning.filename for warning in caught] == [__file__]
