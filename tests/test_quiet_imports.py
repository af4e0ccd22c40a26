"""Importing an engine in silence: of the thread that imports it, and of no other."""

import importlib
import logging
import subprocess
import sys
import threading
import warnings
from functools import partial

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.quiet_imports import (
    import_quietly,
    without_packages,
    without_packages_anywhere,
)
from mvmoe_deploy.system.own_process import OwnProcess, is_own_process

_LOGGER = logging.getLogger("an.engine")


def _warn_and_log(what):
    warnings.warn(f"warning {what}", stacklevel=1)
    _LOGGER.warning("line %s", what)
    _LOGGER.error("error %s", what)


def _in_another_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()


def _seen(caught, caplog):
    lines = [record.getMessage() for record in caplog.records]
    return [str(warning.message) for warning in caught], lines


def test_a_missing_package_is_an_error_with_the_pip_command():
    with raises(MissingExtraError, "extra.missing") as caught, import_quietly():
        raise ModuleNotFoundError("No module named 'coremltools'", name="coremltools")
    assert "coremltools is not installed" in str(caught.value)
    assert "pip install 'mvmoe-deploy[coreml]'" in str(caught.value)


def test_only_the_importing_thread_is_silent(caplog):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with import_quietly():
            _warn_and_log("of the import")
            _in_another_thread(_warn_and_log, "of another thread")
    warned, lines = _seen(caught, caplog)
    assert warned == ["warning of another thread"]
    assert lines == ["error of the import", "line of another thread", "error of another thread"]


def test_nothing_is_silent_after_an_import(caplog):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters), logging.getLogRecordFactory()
        with import_quietly():
            pass
        assert before == (warnings.filters, logging.getLogRecordFactory())
        _warn_and_log("afterwards")
    assert _seen(caught, caplog) == (
        ["warning afterwards"],
        ["line afterwards", "error afterwards"],
    )


def test_a_factory_of_log_records_that_was_set_meanwhile_is_kept_and_not_silent(caplog):
    before = logging.getLogRecordFactory()
    try:
        with import_quietly():
            kept = partial(logging.getLogRecordFactory())
            logging.setLogRecordFactory(kept)
        assert logging.getLogRecordFactory() is kept
        _LOGGER.warning("afterwards")
    finally:
        logging.setLogRecordFactory(before)
    assert [record.getMessage() for record in caplog.records] == ["afterwards"]


def test_a_thread_that_keeps_a_copy_of_the_filters_keeps_no_silence():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        silence = import_quietly()
        silence.__enter__()
        with warnings.catch_warnings():  # Its exit brings back the list of its beginning.
            silence.__exit__(None, None, None)
        assert len(caught) == 0
        warnings.warn("afterwards", stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["afterwards"]


@pytest.mark.parametrize(
    ("engine", "code"),
    [
        ("coremltools", "import mvmoe_deploy.runtime.runners.coreml_reference.load"),
        (
            "executorch",
            "from mvmoe_deploy.runtime.runners.executorch import runner; runner.import_engine()",
        ),
    ],
)
def test_an_engine_is_imported_in_silence(engine, code):
    pytest.importorskip(engine)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == ""


def test_a_package_that_is_left_out_is_missing_for_the_importing_thread_alone(
    tmp_path, monkeypatch
):
    for name in ("left_out_here", "left_out_twice"):
        (tmp_path / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    names = set()

    def find():
        names.add(importlib.import_module("left_out_here").__name__)

    with without_packages("left_out_here", "left_out_twice", "json"):
        with pytest.raises(ModuleNotFoundError, match="left_out_here"):
            find()
        with pytest.raises(ImportError, match="left_out_twice"):
            importlib.import_module("left_out_twice")
        importlib.import_module("json")  # It is imported already.
        _in_another_thread(find)
    assert names == {"left_out_here"}
    importlib.import_module("left_out_twice")


def test_a_package_that_is_left_out_anywhere_is_missing_even_if_it_is_imported_already(
    tmp_path, monkeypatch
):
    (tmp_path / "imported").mkdir()
    (tmp_path / "imported" / "inner.py").write_text("")
    (tmp_path / "not_imported.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    from imported import inner

    with without_packages_anywhere("imported", "not_imported"):
        for name in ("imported", "imported.inner", "not_imported"):
            with pytest.raises(ModuleNotFoundError):
                exec(f"import {name}")
        assert importlib.util.find_spec("imported") is None
    assert "not_imported" not in sys.modules
    assert importlib.import_module("imported").inner is inner


ENGINES = """
import importlib, sys

def serve(line):
    from mvmoe_deploy.runtime.runners.executorch import runner

    while (message := line.receive()) is not None:
        word = message.decode()
        if word == "executorch":
            runner.import_engine()
        else:
            importlib.import_module(word)
        left = {"executorch.exir", "sklearn", "torch", "torch._dynamo", "torchao"}
        line.send(" ".join(sorted(left & set(sys.modules))).encode())
"""
COREML = "mvmoe_deploy.runtime.runners.coreml_reference.load"


@pytest.mark.parametrize(
    "asked",
    [
        # What needs the exporter afterwards still finds it.
        [
            ("executorch", "torch"),
            (COREML, "torch"),
            ("executorch.exir", "executorch.exir torch torch._dynamo torchao"),
        ],
        [(COREML, ""), ("executorch", "torch")],
    ],
    ids=["executorch first", "coreml first"],
)
def test_in_a_process_of_our_own_engines_import_what_they_need(tmp_path, monkeypatch, asked):
    pytest.importorskip("coremltools")
    pytest.importorskip("executorch")
    (tmp_path / "engines_of_ours.py").write_text(ENGINES)
    monkeypatch.syspath_prepend(str(tmp_path))
    process = OwnProcess("engines_of_ours:serve")
    try:
        for word, imported in asked:
            process.send(word.encode(), 60)
            assert process.receive(1000, 60).decode() == imported
    finally:
        process.end()
    assert not is_own_process()


def test_the_compiler_for_core_ml_imports_no_library_that_it_only_converts_from():
    """Each takes seconds; ExecuTorch is installed, and coremltools would import it."""
    pytest.importorskip("coremltools")
    code = (
        "import sys; from mvmoe_export.targets.coreml import toolkit\n"
        "print(*{'executorch', 'sklearn', 'torchao'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")
