"""The ExecuTorch runner: bindings, residency, threads, and what it refuses."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import (
    EngineError,
    InputError,
    MissingExtraError,
    UnsupportedPlatformError,
)
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.runtime.contract import bind_from, run
from mvmoe_deploy.runtime.runners.executorch.runner import ExecuTorchRunner
from mvmoe_export import export_bundle

TOLERANCE = 1e-5
"""Absolute, on answers of about 1: one small graph in fp32."""


@pytest.fixture(scope="session")
def bundle(made_once):
    config = MobileVMoEConfig(
        image_size=8,
        patch_size=4,
        num_classes=5,
        width=16,
        depth=2,
        heads=2,
        mlp_ratio=2.0,
        experts=2,
        moe_layers=1,
    )
    model = build(config, seed=0).eval()
    path = made_once(
        "runner.bundle", lambda path: export_bundle(model, path, targets=["executorch"])
    )
    return SimpleNamespace(root=path, model=model, target=Bundle.open(path).target("executorch"))


@pytest.fixture
def runner(bundle):
    return ExecuTorchRunner.open(bundle.root, bundle.target, 1)


def arrays(specs, seed=None):
    if seed is None:
        return {spec.name: np.zeros(spec.shape, spec.dtype) for spec in specs}
    generator = np.random.default_rng(seed)
    return {spec.name: generator.standard_normal(spec.shape).astype("f") for spec in specs}


def test_it_says_what_runs(runner):
    assert runner.description.startswith("ExecuTorch 1.4.1 (xnnpack)")
    assert runner.stands_in_for is None


def test_a_binding_reads_and_overwrites_the_callers_arrays(bundle, runner):
    stem = bundle.target.graphs[0]
    inputs, outputs = arrays(stem.inputs), arrays(stem.outputs)
    call = runner.load("stem").bind(inputs, outputs)
    module = bundle.model.stage(0, ()).eval()
    for seed in (1, 2):
        inputs["image"][:] = arrays(stem.inputs, seed)["image"]
        call()
        with torch.no_grad():
            tokens, logits = module(torch.from_numpy(inputs["image"]))
        np.testing.assert_allclose(outputs["tokens"], tokens.numpy(), atol=TOLERANCE)
        np.testing.assert_allclose(outputs["logits"], logits.numpy(), atol=TOLERANCE)


def test_bindings_of_one_method_take_turns(bundle, runner):
    """What one has set or given is not what another reads."""
    step = bundle.target.graphs[1]
    method = runner.load(step.name)
    sets = [(arrays(step.inputs, seed), arrays(step.outputs)) for seed in range(2)]
    calls = [method.bind(*pair) for pair in sets]
    for number in (0, 1, 1, 0):
        sets[number][1]["answer"][:] = 0
        calls[number]()
        alone = run(runner.load(step.name), sets[number][0], arrays(step.outputs))
        np.testing.assert_array_equal(sets[number][1]["answer"], alone["answer"])
    assert not np.array_equal(sets[0][1]["answer"], sets[1][1]["answer"])


def test_an_input_that_changes_with_each_call_is_copied(bundle, runner):
    """Its tensors stay the same: that is faster than new ones over the caller's memory."""
    stem = bundle.target.graphs[0]
    inputs, outputs = arrays(stem.inputs), arrays(stem.outputs)
    method = runner.load("stem")
    call, plain = bind_from(method, inputs, outputs, "image"), method.bind(inputs, outputs)
    for seed in (1, 2, 1):
        given = arrays(stem.inputs, seed)
        wanted = run(runner.load("stem"), given, arrays(stem.outputs))
        inputs["image"][:] = 0
        plain()
        assert not np.array_equal(outputs["tokens"], wanted["tokens"])
        call(given["image"])
        for name, array in wanted.items():
            np.testing.assert_array_equal(outputs[name], array)
    assert np.array_equal(inputs["image"], arrays(stem.inputs, 1)["image"])


def test_prepared_weights_are_those_that_are_bound(bundle, runner):
    """They are made once, kept, and looked at as what is bound without is."""
    step = bundle.target.graphs[1]
    loaded = runner.load(step.name)
    inputs, outputs = arrays(step.inputs, 3), arrays(step.outputs)
    name = step.inputs[0].name
    wanted = run(runner.load(step.name), inputs, arrays(step.outputs))
    fixed = inputs[name].copy()
    fixed.setflags(write=False)
    loaded.prepare({name: fixed})
    known = dict(loaded._weights)
    assert len(known) == 1
    run(loaded, {**inputs, name: fixed}, outputs)
    assert loaded._weights == known
    run(loaded, inputs, outputs)
    assert loaded._weights == known, "only what cannot change is kept"
    np.testing.assert_array_equal(outputs["answer"], wanted["answer"])
    wrong = np.zeros((1, 2, 3), np.float32)
    with raises(InputError, "input.shape", name=name):
        loaded.prepare({name: wrong})


def test_every_load_gives_a_graph_of_its_own(runner):
    assert runner.load("step1_e1") is not runner.load("step1_e1")


def test_a_binding_keeps_its_graph(bundle, runner):
    step = bundle.target.graphs[1]
    inputs, outputs, again = arrays(step.inputs, 3), arrays(step.outputs), arrays(step.outputs)
    call = runner.load(step.name).bind(inputs, outputs)
    call()
    run(runner.load(step.name), inputs, again)
    np.testing.assert_array_equal(outputs["answer"], again["answer"])


def test_bindings_of_one_graph_run_from_several_threads(bundle, runner):
    step = bundle.target.graphs[1]
    sets = [(arrays(step.inputs, seed), arrays(step.outputs)) for seed in range(6)]
    wanted = []
    for inputs, _ in sets:
        alone = arrays(step.outputs)
        run(runner.load(step.name), inputs, alone)
        wanted.append(alone["answer"])
    calls = [runner.load(step.name).bind(*pair) for pair in sets]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda call: [call() for _ in range(20)], calls))
    for (_, outputs), answer in zip(sets, wanted, strict=True):
        np.testing.assert_array_equal(outputs["answer"], answer)


def test_the_pool_has_as_many_threads_as_asked_for(bundle):
    from executorch.extension.pybindings import portable_lib

    for threads in (2, 1):
        ExecuTorchRunner.open(bundle.root, bundle.target, threads)
        assert portable_lib._threadpool_get_thread_count() == threads


def test_the_pool_is_not_replaced_under_loaded_graphs(bundle):
    """Methods keep a pointer to it: in another process they were seen to corrupt its memory."""
    held = ExecuTorchRunner.open(bundle.root, bundle.target, 1).load("stem")
    with raises(InputError, "input.invalid", name="threads", given=2, expected=1):
        ExecuTorchRunner.open(bundle.root, bundle.target, 2)
    ExecuTorchRunner.open(bundle.root, bundle.target, 1)
    ExecuTorchRunner.open(bundle.root, bundle.target, None)
    del held
    ExecuTorchRunner.open(bundle.root, bundle.target, 2)
    ExecuTorchRunner.open(bundle.root, bundle.target, 1)


@pytest.mark.parametrize("threads", [0, 257])
def test_threads_that_no_machine_should_start_are_refused(bundle, threads):
    with raises(InputError, "input.invalid", name="threads", given=threads):
        ExecuTorchRunner.open(bundle.root, bundle.target, threads)


def test_engine_options_are_refused(bundle):
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["option"]) == ("engine.option", "units"),
    ):
        ExecuTorchRunner.open(bundle.root, bundle.target, None, {"units": "all"})


def altered(bundle, **changes):
    stem, *others = bundle.target.graphs
    stem = msgspec.structs.replace(stem, **changes)
    return msgspec.structs.replace(bundle.target, graphs=(stem, *others))


def test_a_method_that_is_not_there_is_named(bundle):
    runner = ExecuTorchRunner.open(bundle.root, altered(bundle, entry="trunk"), 1)
    with pytest.raises(
        EngineError,
        check=lambda error: (error.code, error.fields["graph"]) == ("engine.load-failed", "stem"),
    ):
        runner.load("stem")


def test_a_method_of_other_shapes_is_refused_with_both(bundle):
    (image,) = bundle.target.graphs[0].inputs
    other = msgspec.structs.replace(image, shape=(1, 3, 16, 16))
    runner = ExecuTorchRunner.open(bundle.root, altered(bundle, inputs=(other,)), 1)
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.wrong-signature"):
        runner.load("stem")


def test_arrays_of_another_kind_are_refused(bundle, runner):
    stem = bundle.target.graphs[0]
    image = arrays(stem.inputs)["image"]
    for odd in (image[:, :, :, :4], image.astype(np.float64), np.asfortranarray(image)):
        with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
            runner.load("stem").bind({"image": odd}, arrays(stem.outputs))


def test_a_delegate_that_this_machine_lacks_is_named(bundle):
    apple = msgspec.structs.replace(bundle.target, options={"delegate": "coreml"})
    with pytest.raises(
        UnsupportedPlatformError, check=lambda error: error.code == "engine.unsupported-platform"
    ):
        ExecuTorchRunner.open(bundle.root, apple, None)


def test_without_executorch_the_pip_command_is_named(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "executorch.runtime", None)
    with pytest.raises(
        MissingExtraError,
        check=lambda error: (error.code, error.fields["extra"]) == ("extra.missing", "executorch"),
    ):
        ExecuTorchRunner.open(bundle.root, bundle.target, None)


FILES_RUN_OUT = """
import os, resource, sys
from mvmoe_deploy import Dispatcher
bundle = sys.argv[1]
Dispatcher.open(bundle, "executorch", threads=2).close()
held = [Dispatcher.open(bundle, "executorch", threads=1)]
os.write(2, b"opened.")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        held.append(Dispatcher.open(bundle, "executorch", threads=1))
        held[-1].prewarm()
except Exception as error:
    print(type(error).__name__, "the limit is 64 open files" in str(error), "xport" in str(error))
held.clear()
Dispatcher.open(bundle, "executorch", threads=1).close()
"""


def test_files_that_run_out_are_said_with_their_limit(bundle):
    """Each program holds a file; of many dispatchers one is the first for which none is left."""
    done = subprocess.run(
        [sys.executable, "-c", FILES_RUN_OUT, str(bundle.root)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ResourceLimitError True False\n"), done.stderr
    assert done.stderr.startswith("opened."), "what the engine says of the processor is hidden"
