"""The MIL runner fulfils the contract of runners, and stands in for Core ML where there is none."""

import gc
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.bundle.manifest import File, Graph, Target, TensorSpec
from mvmoe_deploy.errors import EngineError, InputError, MissingExtraError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import run
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.runners.coreml.runner import CoreMLRunner
from mvmoe_deploy.runtime.runners.coreml_reference.runner import CoreMLReferenceRunner


def graph(name, file, entry=None):
    return Graph(
        name=name,
        stage=0,
        route=None,
        file=file,
        weight_bytes=1,
        exclusive_bytes=1,
        inputs=(TensorSpec(name="in0", shape=(1, 3, 32, 32), dtype="float16"),),
        outputs=(TensorSpec(name="out", shape=(1, 5), dtype="float16"),),
        entry=entry,
    )


@pytest.fixture
def bundle(healthy):
    """The root of a bundle, and a target of two graphs in it."""
    return healthy.parent, Target(
        format="coreml",
        strategy="dispatch",
        precision="fp16",
        batch=1,
        graphs=(graph("first", healthy.name), graph("second", healthy.name, "main")),
        weights=None,
        files=(File(path=healthy.name, bytes=1, sha256="0" * 64),),
        parity=None,
    )


@pytest.fixture
def runner(bundle):
    return CoreMLReferenceRunner.open(*bundle, None)


def arrays(seed=0):
    image = np.random.default_rng(seed).standard_normal((1, 3, 32, 32)).astype(np.float16)
    return {"in0": image}, {"out": np.zeros((1, 5), np.float16)}


def test_every_load_gives_a_graph_of_its_own(runner):
    assert runner.load("first") is not runner.load("first")


def test_a_binding_reads_and_overwrites_the_callers_arrays(runner, convnet):
    inputs, outputs = arrays()
    call = runner.load("second").bind(inputs, outputs)
    for seed in (1, 2):
        inputs["in0"][:] = arrays(seed)[0]["in0"]
        call()
        wanted = convnet[0](torch.from_numpy(inputs["in0"]).float()).detach().numpy()
        # Softmax of five classes; fp16 rounds by 5e-4 of each value, some ten times.
        np.testing.assert_allclose(outputs["out"].astype(np.float32), wanted, rtol=0, atol=5e-3)


def test_a_graph_that_is_not_held_is_freed(runner):
    loaded = runner.load("first")
    call = loaded.bind(*arrays())
    weights = weakref.ref(loaded._function._steps[0].operation.weight.val)
    del loaded
    assert weights() is not None, "the binding still needs it"
    gc.disable()  # It must not take a collection.
    try:
        del call
        assert weights() is None
    finally:
        gc.enable()


def test_bindings_of_one_graph_run_in_many_threads(runner):
    loaded = runner.load("first")
    wanted = [run(loaded, *arrays(seed))["out"] for seed in range(4)]

    def work(seed):
        inputs, outputs = arrays(seed)
        call = loaded.bind(inputs, outputs)
        for _ in range(5):
            outputs["out"][:] = 0
            call()
            np.testing.assert_array_equal(outputs["out"], wanted[seed])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_arrays_of_another_kind_are_refused(runner):
    inputs, outputs = arrays()
    loaded = runner.load("first")
    with raises(InputError, "input.shape", name="in0"):
        loaded.bind({"in0": inputs["in0"].astype(np.float32)}, outputs)
    with raises(InputError, "input.shape", name="out", found=[1, 4]):
        loaded.bind(inputs, {"out": outputs["out"][:, :4]})


def test_a_manifest_of_other_shapes_is_refused_with_both(bundle):
    root, target = bundle
    other = TensorSpec(name="out", shape=(1, 6), dtype="float32")
    changed = msgspec.structs.replace(target.graphs[0], outputs=(other,))
    runner = CoreMLReferenceRunner.open(
        root, msgspec.structs.replace(target, graphs=(changed,)), None
    )
    with raises(EngineError, "engine.wrong-signature") as caught:
        runner.load("first")
    message = str(caught.value)
    assert message.startswith("graph first (")
    assert "('out', [1, 5], 'float16')" in message
    assert "('out', [1, 6], 'float32')" in message


@pytest.mark.parametrize(("file", "entry"), [("none.mlpackage", None), (None, "none")])
def test_a_graph_that_is_not_there_is_named(bundle, file, entry):
    root, target = bundle
    changed = graph("first", file or target.graphs[0].file, entry)
    runner = CoreMLReferenceRunner.open(
        root, msgspec.structs.replace(target, graphs=(changed,)), None
    )
    with raises(EngineError, "engine.load-failed", graph="first"):
        runner.load("first")


@pytest.mark.parametrize("threads", [0, -3, 10**6, "2", 1.5])
def test_threads_that_no_machine_should_start_are_refused(bundle, threads):
    with raises(InputError, "input.invalid", name="threads", given=threads):
        CoreMLReferenceRunner.open(*bundle, threads)


def test_it_has_no_options(bundle):
    with raises(InputError, "engine.option", option="compute_units", expected=[]):
        CoreMLReferenceRunner.open(*bundle, 1, {"compute_units": "all"})


# In the place of Core ML.

needs_no_coreml = pytest.mark.skipif(sys.platform == "darwin", reason="Core ML is here")


@needs_no_coreml
def test_it_stands_in_for_core_ml_and_says_so(bundle):
    runner = open_runner(*bundle)
    assert isinstance(runner, CoreMLReferenceRunner)
    assert runner.stands_in_for == "Core ML"
    assert "slow, for checking only" in runner.description


@needs_no_coreml
def test_without_a_reference_the_platform_is_named(bundle, monkeypatch):
    monkeypatch.setattr(CoreMLRunner, "reference", None)
    with raises(UnsupportedPlatformError, "engine.unsupported-platform", name="Core ML") as caught:
        open_runner(*bundle)
    assert caught.value.exit_code == 3


@needs_no_coreml
def test_without_coremltools_the_pip_command_is_named(bundle, monkeypatch):
    evaluator = "mvmoe_deploy.runtime.runners.coreml_reference"
    for module in [name for name in sys.modules if name.startswith(("coremltools", evaluator))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with raises(MissingExtraError, "extra.missing", extra="coreml") as caught:
        open_runner(*bundle)
    assert "pip install 'mvmoe-deploy[coreml]'" in str(caught.value)
