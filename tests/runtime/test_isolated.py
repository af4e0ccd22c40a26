"""Runners in a process of their own: the same answers, and one sentence for whatever ends it."""

import re
import sys
import weakref

import msgspec
import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError, InputError, MissingExtraError
from mvmoe_deploy.runtime.contract import run
from mvmoe_deploy.runtime.isolated import IsolatedRunner, isolated_runners
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner

ENGINE = """
import ctypes, os, signal, time
from pathlib import Path
from mvmoe_deploy.errors import EngineError, MissingExtraError

class Graph:
    def __init__(self, name, runner):
        self.name = name

    def bind(self, inputs, outputs):
        def call():
            WAYS[os.environ.get("AT_RUN", "well")]()
            for array in outputs.values():
                array.fill(inputs["image"].sum() if "image" in inputs else 3)
        return call

def loop():
    ctypes.PyDLL(None).sleep(1000)

def raising():
    raise ValueError("no\\nsuch \\x1b[2J thing")

def refusing():
    raise EngineError("no", code="engine.option", option=Path("a"), given=(1, 2), graph="stem")

WAYS = {
    "well": lambda: None, "refuse": refusing, "segv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "exit": lambda: os._exit(3), "hang": loop, "raise": raising,
    "abort": lambda: (os.write(2, b"terminate called\\n"), os.abort()),
}

class Runner:
    name = "hostile"
    reference = None
    stands_in_for = None
    description = "Hostile Engine 1.0"
    provider = "here"

    @classmethod
    def open(cls, root, target, threads, engine_options=None):
        if os.environ.get("AT_OPEN") == "missing":
            raise MissingExtraError.of("hostile", "hostile")
        WAYS[os.environ.get("AT_OPEN", "well")]()
        return cls()

    def load(self, graph):
        if graph == "stem" and os.environ.get("ONLY_STEM") == "no":
            return Graph(graph, self)
        WAYS[os.environ.get("AT_LOAD", "well")]()
        return Graph(graph, self)

PART = Runner
"""


@pytest.fixture
def hostile(single, tmp_path, monkeypatch):
    """The first bundle's target in a format whose engine does what it is told."""
    site = tmp_path / "site"
    info = site / "hostile-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "hostileengine.py").write_text(ENGINE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mvmoe.parts]\nrunners.hostile = hostileengine\n")
    monkeypatch.syspath_prepend(str(site))
    sys.modules.pop("hostileengine", None)
    target = msgspec.structs.replace(Bundle.open(single.path).target("onnx"), format="hostile")
    return single.path, target


def arrays(specs, value=0):
    return {spec.name: np.full(spec.shape, value, spec.dtype) for spec in specs}


def once(runner, graph, value=1):
    return run(runner.load(graph.name), arrays(graph.inputs, value), arrays(graph.outputs))


@pytest.fixture
def opened():
    """Opens isolated runners, and closes them at the end."""
    runners = []

    def open_(*arguments, **options):
        runners.append(IsolatedRunner.open(*arguments, **options, plugins=True))
        return runners[-1]

    yield open_
    for runner in runners:
        runner.close()


def test_answers_are_those_of_the_engine_itself(single, opened):
    target = Bundle.open(single.path).target("onnx")
    inside, isolated = OnnxRunner.open(single.path, target, 1), opened(single.path, target, 1)
    assert isolated.description == inside.description
    assert (isolated.provider, isolated.stands_in_for) == (inside.provider, None)
    for graph in target.graphs:
        rng = np.random.default_rng(1)
        inputs = {s.name: rng.standard_normal(s.shape).astype(s.dtype) for s in graph.inputs}
        given, wanted = (
            run(runner.load(graph.name), inputs, arrays(graph.outputs))
            for runner in (isolated, inside)
        )
        for name, array in wanted.items():
            np.testing.assert_array_equal(given[name], array)


def test_a_binding_keeps_its_graph_and_reads_what_is_there_when_it_is_called(single, opened):
    target = Bundle.open(single.path).target("onnx")
    stem, runner = target.graphs[0], opened(single.path, target, 1)
    inputs, outputs = arrays(stem.inputs), arrays(stem.outputs)
    graph = runner.load(stem.name)
    call, kept = graph.bind(inputs, outputs), weakref.ref(graph)
    del graph
    assert kept() is not None
    call()
    first = {name: array.copy() for name, array in outputs.items()}
    inputs["image"][:] = single.images[:1]
    call()
    assert not np.array_equal(first["logits"], outputs["logits"])
    del call
    assert kept() is None
    once(runner, stem)


def test_arrays_of_another_shape_are_refused(single, opened):
    target = Bundle.open(single.path).target("onnx")
    stem = target.graphs[0]
    loaded = opened(single.path, target).load(stem.name)
    with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
        loaded.bind({"image": np.zeros(3)}, arrays(stem.outputs))


def test_errors_of_the_runner_are_its_own(hostile, opened, monkeypatch):
    monkeypatch.setenv("AT_OPEN", "missing")
    with pytest.raises(MissingExtraError, check=lambda error: error.code == "extra.missing"):
        opened(*hostile)
    root, target = hostile
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["name"]) == ("bundle.unknown-format", "nonsense")
        ),
    ):
        opened(root, msgspec.structs.replace(target, format="nonsense"))
    with raises(InputError, "input.invalid", name="threads", given=1000):
        opened(root, msgspec.structs.replace(target, format="onnx"), 1000)


ENDS = {
    "segv": "by SIGSEGV",
    "abort": "by SIGABRT: terminate called",
    "exit": "with exit code 3",
}


@pytest.mark.parametrize("way", ENDS)
@pytest.mark.parametrize("moment", ["AT_LOAD", "AT_RUN"])
def test_an_engine_that_ends_its_process_is_one_sentence(hostile, opened, monkeypatch, way, moment):
    root, target = hostile
    monkeypatch.setenv("ONLY_STEM", "no")
    monkeypatch.setenv(moment, way)
    runner = opened(root, target)
    stem, step = target.graphs[:2]
    with pytest.raises(
        EngineError, check=lambda error: error.code == "engine.process-ended"
    ) as caught:
        once(runner, step)
    message = str(caught.value)
    assert caught.value.fields == {"graph": step.name}
    assert f"graph {step.name} ({step.file})" in message
    assert re.search(f"{re.escape(ENDS[way])} at {moment[3:].lower()};", message)
    # The next load has a new process; what was loaded in the old one is gone.
    monkeypatch.delenv(moment)
    assert once(runner, stem)["logits"][0, 0] == stem.inputs[0].shape[2] ** 2 * 3
    assert once(runner, step)["answer"][0, 0] == 3


def test_what_was_loaded_before_the_end_says_so(hostile, opened, monkeypatch):
    root, target = hostile
    runner = opened(root, target)
    stem = target.graphs[0]
    call = runner.load(stem.name).bind(arrays(stem.inputs), arrays(stem.outputs))
    call()
    runner.close()
    with raises(EngineError, "engine.process-ended", graph=stem.name):
        call()


def test_an_engine_that_ends_its_process_when_it_is_opened(hostile, opened, monkeypatch):
    monkeypatch.setenv("AT_OPEN", "segv")
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.process-ended"):
        opened(*hostile)


def test_an_engine_that_does_not_come_back_is_stopped(hostile, opened, monkeypatch):
    monkeypatch.setenv("AT_RUN", "hang")
    runner = opened(*hostile, time_limit=3)
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.timeout") as caught:
        once(runner, hostile[1].graphs[0])
    assert caught.value.fields == {"graph": "stem"}


def test_an_error_keeps_its_code_and_its_fields(hostile, opened, monkeypatch):
    monkeypatch.setenv("AT_RUN", "refuse")
    with pytest.raises(EngineError) as caught:
        once(opened(*hostile), hostile[1].graphs[0])
    assert caught.value.code == "engine.option"
    # Fields are plain values; what an engine of somebody else puts there does not end its process.
    assert caught.value.fields == {"option": "a", "given": [1, 2], "graph": "stem"}


def test_whatever_an_engine_raises_is_one_plain_line(hostile, opened, monkeypatch):
    monkeypatch.setenv("AT_RUN", "raise")
    runner = opened(*hostile)
    with pytest.raises(EngineError) as caught:
        once(runner, hostile[1].graphs[0])
    assert str(caught.value) == "ValueError: no"


def test_runners_share_one_process_and_leave_none_behind(hostile, monkeypatch, single):
    root, target = hostile
    other = Bundle.open(single.path).target("onnx")
    with isolated_runners(plugins=True) as open_runner:
        first, second = open_runner(root, target), open_runner(single.path, other)
        once(first, target.graphs[0])
        once(second, other.graphs[0])
        process = first._process
        assert second._process is process
        monkeypatch.setenv("AT_RUN", "segv")
        process.end()
        with pytest.raises(EngineError, check=lambda error: error.code == "engine.process-ended"):
            once(first, target.graphs[0])
        once(second, other.graphs[0])
    assert not first._process.alive and not second._process.alive


def test_an_answer_that_no_process_of_ours_gives_is_refused(hostile, opened, monkeypatch):
    """Native code that a graph took over could send anything: nothing of it is trusted."""
    runner = opened(*hostile)
    stem = hostile[1].graphs[0]
    loaded = runner.load(stem.name)
    for answer in (b"", b"\xff" * 10, msgspec.msgpack.encode({"type": "Opened"})):
        monkeypatch.setattr(type(runner._process), "receive", lambda *_, a=answer: bytearray(a))
        with pytest.raises(EngineError) as caught:
            run(loaded, arrays(stem.inputs), arrays(stem.outputs))
        assert caught.value.code == "engine.process-ended"
        assert caught.value.fields == {"graph": stem.name}
