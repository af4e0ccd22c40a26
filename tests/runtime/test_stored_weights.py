"""Weights that graphs take from a mapped file: file systems, damage, interruptions."""

import errno
import mmap
import os
import shutil
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from expected_errors import raises
from interruptions import every_line, in_time
from page_answers import BUNDLES

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import (
    BundleError,
    BundleReplacedError,
    PartialResultError,
    ResourceLimitError,
)
from mvmoe_deploy.runtime import stored_weights
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxGraph
from mvmoe_deploy.runtime.stored_weights import StoredWeights

BOUND = BUNDLES / "bind"
NEAR = 1e-4
"""Relative to the largest answer, as the suite of answers asks."""


@pytest.fixture
def bundle(tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(BOUND, tmp_path / "copied.bundle")


def assert_answers(dispatcher):
    golden = Bundle.open(BOUND).golden()
    wanted = golden["outputs.answer"]
    answers = dispatcher.run(golden["image"])["answer"]
    np.testing.assert_allclose(answers, wanted, rtol=0, atol=NEAR * np.abs(wanted).max())


def weights_of(path):
    """The weights of a bundle's target, and its graph that takes some."""
    target = Bundle.open(path).target("onnx")
    return StoredWeights(path, target), target.graphs[1]


def file_of(path):
    return path / "onnx" / "weights.bin"


def with_map(monkeypatch, work):
    """Let the system map files as `work` does."""
    other = SimpleNamespace(**{**vars(mmap), "mmap": work})
    monkeypatch.setattr(stored_weights, "mmap", other)


def refusing(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_graph_is_given_addresses_in_the_mapping(monkeypatch):
    """What a runner copies would cost memory for each binding; ours is asked to copy nothing."""
    bind, given = OnnxGraph.bind, {}

    def watched(graph, inputs, outputs):
        given.update(inputs)
        return bind(graph, inputs, outputs)

    monkeypatch.setattr(OnnxGraph, "bind", watched)
    with Dispatcher.open(BOUND) as dispatcher:
        assert_answers(dispatcher)
        graph = dispatcher.target.graphs[1]
        for name in graph.bound:
            assert isinstance(given[name].base, mmap.mmap)
            assert not given[name].flags.writeable


def test_an_engine_that_copies_what_is_bound_answers_the_same(monkeypatch):
    """`check` cannot tell it: it only takes more memory."""
    bind = OnnxGraph.bind

    def copying(graph, inputs, outputs):
        return bind(
            graph,
            {
                name: array if array.flags.writeable else array.copy()
                for name, array in inputs.items()
            },
            outputs,
        )

    monkeypatch.setattr(OnnxGraph, "bind", copying)
    with Dispatcher.open(BOUND) as dispatcher:
        assert_answers(dispatcher)
        assert dispatcher.check().ok


def test_opening_prepares_the_weights_of_every_expert():
    """What an engine wants to have of them is made then, and no more when a route is first used."""
    with Dispatcher.open(BOUND) as dispatcher:
        graph = dispatcher.target.graphs[1]
        loaded = dispatcher._graphs.held(graph).value.graph
        known = dict(loaded._weights)
        assert len(known) == len(dispatcher.target.experts[0]) * len(graph.bound)
        assert not dispatcher._graphs._checked, "they are compared with the manifest when bound"
        assert_answers(dispatcher)
        assert loaded._weights == known


def test_nothing_is_read_beforehand_where_nothing_is_mapped(monkeypatch):
    read = []
    monkeypatch.setattr(np, "fromfile", lambda *arguments, **_: read.append(arguments))
    with_map(monkeypatch, refusing(errno.ENODEV))
    with Dispatcher.open(BOUND):
        assert not read


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM])
def test_a_file_system_that_cannot_map_gives_the_same_answers(monkeypatch, number):
    with_map(monkeypatch, refusing(number))
    with Dispatcher.open(BOUND, pin=[(0, 1)]) as dispatcher:
        assert_answers(dispatcher)
        assert dispatcher._graphs._weights._mapped is None


def test_each_range_is_read_once_there(monkeypatch):
    with_map(monkeypatch, refusing(errno.ENODEV))
    read, ranges = np.fromfile, []

    def watched(path, kind, count, offset):
        ranges.append((offset, count))
        return read(path, kind, count, offset=offset)

    monkeypatch.setattr(np, "fromfile", watched)
    weights, graph = weights_of(BOUND)
    first = weights.inputs(graph, (0, 1))
    weights.inputs(graph, (0, 2))
    weights.inputs(graph, (1, 2))
    row = Bundle.open(BOUND).target("onnx").experts[0]
    assert ranges == [(expert.offset, expert.bytes) for expert in row]
    mapped, _ = weights_of(BOUND)
    monkeypatch.undo()
    for name, array in mapped.inputs(graph, (0, 1)).items():
        np.testing.assert_array_equal(first[name], array)


@pytest.mark.parametrize("work", ["run", "pin"])
def test_without_address_space_one_sentence_says_so(monkeypatch, work):
    with_map(monkeypatch, refusing(errno.ENOMEM))
    if work == "pin":
        with pytest.raises(ResourceLimitError) as caught:
            Dispatcher.open(BOUND, pin=[(0, 1)])
        error = caught.value
    else:
        with Dispatcher.open(BOUND) as dispatcher:
            with pytest.raises(PartialResultError) as caught:
                assert_answers(dispatcher)
            (error,) = {str(error): error for error in caught.value.failed.values()}.values()
            # Once there is room again, nothing is left of that.
            monkeypatch.undo()
            assert_answers(dispatcher)
    assert isinstance(error, ResourceLimitError)
    assert error.code == "limit.memory"
    assert "onnx/weights.bin" in str(error)
    assert "memory ran out" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: data[:-1], "bundle.size-mismatch"),
        (lambda data: b"", "bundle.size-mismatch"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "bundle.hash-mismatch"),
        (lambda data: data[:32_768] + data[49_152:65_536] + data[32_768:49_152] + data[65_536:],
         "bundle.hash-mismatch"),
    ],
    ids=["cut off", "empty", "altered", "ranges exchanged"],
)  # fmt: skip
def test_a_file_that_is_not_the_manifests_is_refused_when_it_is_opened(bundle, damage, code):
    file = file_of(bundle)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BundleError) as caught:
        Dispatcher.open(bundle)
    assert caught.value.code == code


@pytest.mark.parametrize("size", [0, 40_000])
def test_a_shorter_file_in_its_place_is_not_used(bundle, size):
    """Cut off in place, the system would end the process: engines have the file mapped too."""
    with Dispatcher.open(bundle) as dispatcher:
        shorter = bundle / "shorter.bin"
        shorter.write_bytes(file_of(bundle).read_bytes()[:size])
        shorter.replace(file_of(bundle))
        with raises(BundleReplacedError, "bundle.replaced"):
            assert_answers(dispatcher)


@pytest.mark.parametrize("size", [0, 40_000])
@pytest.mark.parametrize("when", ["before it is opened", "before it is mapped"])
def test_a_file_that_nobody_verified_is_not_read_beyond_its_end(bundle, size, when, monkeypatch):
    weights, graph = weights_of(bundle)
    if when == "before it is opened":
        os.truncate(file_of(bundle), size)
    else:
        stat = os.fstat

        def late(number):
            found = stat(number)
            os.truncate(file_of(bundle), size)
            return found

        monkeypatch.setattr(os, "fstat", late)
    with pytest.raises(BundleError) as caught:
        weights.inputs(graph, (1, 2))
    assert caught.value.code == "bundle.file-unreadable"
    assert weights._mapped is None


def test_a_range_that_ends_early_is_not_read_where_nothing_is_mapped(bundle, monkeypatch):
    with_map(monkeypatch, refusing(errno.ENODEV))
    weights, graph = weights_of(bundle)
    weights.inputs(graph, (0, 1))
    os.truncate(file_of(bundle), 66_000)
    with pytest.raises(BundleError) as caught:
        weights.inputs(graph, (1, 2))
    assert caught.value.code == "bundle.file-unreadable"


def test_an_exception_at_any_line_of_the_mapping_leaves_no_lock_behind():
    weights, graph = weights_of(BOUND)

    def ask():
        nonlocal weights
        weights, _ = weights_of(BOUND)
        ask_again()

    def ask_again():
        weights.advise(1, (0, 1))
        weights.inputs(graph, (0, 1))

    within = stored_weights.__file__
    every_line(ask, lambda: in_time(ask_again), least=25, within=within)


@pytest.mark.parametrize("budget", [{"max_resident_experts": 1}, {"max_resident_bytes": 1}])
def test_a_budget_that_has_no_effect_is_told(budget):
    with pytest.warns(UserWarning, match="have no effect with the target onnx") as told:
        dispatcher = Dispatcher.open(BOUND, **budget)
    assert [warning.filename for warning in told] == [__file__]
    with dispatcher:
        assert_answers(dispatcher)
        assert dispatcher.resident == ()


@pytest.mark.parametrize("name", ["bind", "dispatch"])
def test_no_other_bundle_is_told_of_budgets(name):
    budget = {} if name == "bind" else {"max_resident_experts": 1, "max_resident_bytes": 10**6}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Dispatcher.open(BUNDLES / name, **budget).close()
