"""The ONNX Runtime runner on real graphs, healthy, damaged and hostile."""

import gc
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import onnx
import pytest
from expected_errors import raises
from page_answers import BUNDLES

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleError, EngineError, InputError, MissingExtraError
from mvmoe_deploy.runtime.contract import bind_from, run
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner
from mvmoe_deploy.runtime.stored_weights import StoredWeights


def open_(path, threads=1):
    bundle = Bundle.open(path)
    return OnnxRunner.open(bundle.path, bundle.target("onnx"), threads), bundle.target("onnx")


def arrays(specs, seed=0):
    generator = np.random.default_rng(seed)
    return {spec.name: generator.standard_normal(spec.shape).astype(spec.dtype) for spec in specs}


@pytest.fixture
def runner(single):
    return open_(single.path)[0]


def test_every_load_gives_a_graph_of_its_own(runner):
    assert runner.load("step1_e1") is not runner.load("step1_e1")


def test_a_binding_reads_and_overwrites_the_callers_arrays(single):
    runner, target = open_(single.path)
    graph = target.graphs[1]
    inputs, outputs = arrays(graph.inputs), arrays(graph.outputs)
    call = runner.load(graph.name).bind(inputs, outputs)
    answers = []
    for seed in (1, 2):
        for name, array in arrays(graph.inputs, seed).items():
            inputs[name][:] = array
        call()
        answers.append(outputs["answer"].copy())
        wanted = run(runner.load(graph.name), arrays(graph.inputs, seed), arrays(graph.outputs))
        np.testing.assert_array_equal(wanted["answer"], answers[-1])
    assert not np.array_equal(*answers)


@pytest.fixture
def bound_graph():
    """A graph that takes weights, in the manifest and loaded, and the weights of an expert."""
    runner, target = open_(BUNDLES / "bind")
    graph = next(graph for graph in target.graphs if graph.bound)
    places = 1 + max(bound.place for bound in graph.bound.values())
    weights = StoredWeights(BUNDLES / "bind", target).inputs(graph, (0,) * places)
    return graph, runner.load(graph.name), weights


def test_prepared_weights_are_those_that_are_bound(bound_graph):
    """They are made once, kept, and looked at as what is bound without is."""
    graph, loaded, weights = bound_graph
    loaded.prepare(weights)
    known = dict(loaded._weights)
    assert len(known) == len(graph.bound)
    inputs = {**arrays(graph.inputs), **weights}
    outputs, again = arrays(graph.outputs), arrays(graph.outputs)
    loaded.prepare(weights)
    loaded.bind(inputs, outputs)()
    assert loaded._weights == known
    alone = {name: array.copy() for name, array in inputs.items()}
    loaded.bind(alone, again)()
    assert loaded._weights == known, "only what cannot change is kept"
    for name, array in outputs.items():
        np.testing.assert_array_equal(array, again[name])


def test_weights_of_another_shape_are_not_prepared(bound_graph):
    graph, loaded, weights = bound_graph
    name = next(iter(graph.bound))
    wrong = np.zeros((1, 2, 3), np.float32)
    wrong.setflags(write=False)
    with raises(InputError, "input.shape", name=name):
        loaded.prepare({**weights, name: wrong})


def test_an_input_is_read_where_each_call_has_it(single):
    runner, target = open_(single.path)
    stem = target.graphs[0]
    inputs, outputs = arrays(stem.inputs), arrays(stem.outputs)
    inputs["image"][:] = 0
    call = bind_from(runner.load(stem.name), inputs, outputs, "image")
    for seed in (1, 2, 1):
        given = arrays(stem.inputs, seed)
        call(given["image"])
        wanted = run(runner.load(stem.name), given, arrays(stem.outputs))
        for name, array in wanted.items():
            np.testing.assert_array_equal(outputs[name], array)
    assert not inputs["image"].any()  # It was not copied.


def test_a_binding_keeps_its_arrays_and_session_alive(single):
    runner, target = open_(single.path)
    graph = target.graphs[0]
    inputs, outputs = arrays(graph.inputs), arrays(graph.outputs)
    held = outputs["logits"]
    call = runner.load(graph.name).bind(inputs, outputs)
    call()
    wanted = held.copy()
    held[:] = 0
    del inputs, outputs
    gc.collect()
    call()
    np.testing.assert_array_equal(held, wanted)


def test_a_graph_that_is_not_held_is_freed(single):
    runner, target = open_(single.path)
    graph = target.graphs[1]
    loaded = runner.load(graph.name)
    call = loaded.bind(arrays(graph.inputs), arrays(graph.outputs))
    session = weakref.ref(loaded._session)
    del loaded
    assert session() is not None, "the binding still needs it"
    del call
    assert session() is None


def test_bindings_of_one_graph_run_in_many_threads(single):
    runner, target = open_(single.path)
    graph = target.graphs[1]
    loaded = runner.load(graph.name)
    wanted = [
        run(loaded, arrays(graph.inputs, seed), arrays(graph.outputs))["answer"]
        for seed in range(8)
    ]

    def work(seed):
        outputs = arrays(graph.outputs)
        call = loaded.bind(arrays(graph.inputs, seed), outputs)
        for _ in range(50):
            outputs["answer"][:] = 0
            call()
            np.testing.assert_array_equal(outputs["answer"], wanted[seed])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.astype(np.float64),
        lambda array: array[:, :, :, :4],
        np.asfortranarray,
    ],
)
def test_arrays_of_another_kind_are_refused(runner, single, change):
    graph = Bundle.open(single.path).target("onnx").graphs[0]
    inputs = {"image": change(arrays(graph.inputs)["image"])}
    with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
        runner.load("stem").bind(inputs, arrays(graph.outputs))


def test_threads_below_one_are_refused(single):
    with raises(InputError, "input.invalid", name="threads", given=0, expected=256):
        open_(single.path, threads=0)


def test_a_target_without_a_runner_is_named(single):
    target = Bundle.open(single.path).target("onnx")
    odd = msgspec.structs.replace(target, format="abacus")
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["name"]) == ("bundle.unknown-format", "abacus")
        ),
    ):
        open_runner(single.path, odd)


def test_without_onnx_runtime_the_pip_command_is_named(single, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with raises(MissingExtraError, "extra.missing", extra="onnx") as caught:
        Dispatcher.open(single.path)
    assert "pip install 'mvmoe-deploy[onnx]'" in str(caught.value)
    assert caught.value.exit_code == 3


# Files that are not what the manifest says.


def edit(path, graph, change):
    """Change one `.onnx` file of a bundle."""
    file = path / "onnx" / f"{graph}.onnx"
    model = onnx.load(file, load_external_data=False)
    change(model)
    file.write_bytes(model.SerializeToString())


def refuse(path, graph="step1_e1"):
    """The message with which a graph does not load; the others do."""
    runner, _ = open_(path)
    runner.load("step1_e0")
    with pytest.raises(EngineError) as caught:
        runner.load(graph)
    message = str(caught.value)
    assert message.startswith(f"graph {graph} (onnx/{graph}.onnx) ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x08\x0a" * 1000])
def test_a_damaged_graph_is_named(copied, data):
    (copied / "onnx" / "step1_e1.onnx").write_bytes(data)
    assert "does not load in ONNX Runtime 1." in refuse(copied)


def test_a_graph_with_a_name_that_is_no_text_prints_nothing(copied, capfd):
    file = copied / "onnx" / "step1_e1.onnx"
    file.write_bytes(file.read_bytes().replace(b"tokens", b"tok\xf3ns"))
    assert "does not load in ONNX Runtime" in refuse(copied)
    assert capfd.readouterr().out == ""


def test_a_truncated_graph_is_named(copied):
    file = copied / "onnx" / "step1_e1.onnx"
    file.write_bytes(file.read_bytes()[:-100])
    assert "does not load in ONNX Runtime" in refuse(copied)


def test_a_missing_graph_is_named(copied):
    (copied / "onnx" / "step1_e1.onnx").unlink()
    assert "does not load in ONNX Runtime" in refuse(copied)


def test_weights_that_are_cut_off_are_refused(copied):
    with (copied / "onnx" / "weights.bin").open("r+b") as file:
        file.truncate(1000)
    runner, _ = open_(copied)
    with pytest.raises(
        EngineError,
        check=lambda error: (
            (error.code, error.fields["graph"]) == ("engine.load-failed", "step1_e0")
        ),
    ):
        runner.load("step1_e0")


def test_an_unknown_operator_is_named(copied):
    def change(model):
        model.graph.node[0].op_type = "Teleport"

    edit(copied, "step1_e1", change)
    assert "Teleport" in refuse(copied)


@pytest.mark.parametrize("where", ["../secret", "../../secret", "{outside}", "link"])
def test_weights_outside_the_bundle_are_not_read(copied, where):
    outside = copied.parent / "secret"
    outside.write_bytes((copied / "onnx" / "weights.bin").read_bytes())
    (copied / "secret").write_bytes(outside.read_bytes())
    (copied / "onnx" / "link").symlink_to(outside)

    def change(model):
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = where.format(outside=outside)

    edit(copied, "step1_e1", change)
    assert "does not load in ONNX Runtime" in refuse(copied)


def with_tokens(graph, size):
    """A graph's record whose tokens have another size."""

    def change(spec):
        if "tokens" not in spec.name:
            return spec
        return msgspec.structs.replace(spec, shape=(1, size, spec.shape[2]))

    return msgspec.structs.replace(
        graph,
        inputs=tuple(map(change, graph.inputs)),
        outputs=tuple(map(change, graph.outputs)),
    )


def test_a_manifest_of_other_shapes_is_refused_with_both(copied):
    bundle = Bundle.open(copied)
    target = bundle.target("onnx")
    target = msgspec.structs.replace(
        target, graphs=tuple(with_tokens(graph, 7) for graph in target.graphs)
    )
    manifest = msgspec.structs.replace(bundle.manifest, targets={"onnx": target})
    (copied / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with raises(EngineError, "engine.wrong-signature", graph="stem") as caught:
        Dispatcher.open(copied)
    assert str(caught.value).startswith("graph stem (onnx/stem.onnx) has the outputs")
    assert "[1, 5, 32]" in str(caught.value)
    assert "[1, 7, 32]" in str(caught.value)


def test_a_damaged_graph_is_found_by_its_hash_before_it_is_opened(copied):
    (copied / "onnx" / "step1_e1.onnx").write_bytes(b"garbage")
    with pytest.raises(
        BundleError,
        check=lambda error: (
            (error.code, error.fields["file"]) == ("bundle.size-mismatch", "onnx/step1_e1.onnx")
        ),
    ):
        Dispatcher.open(copied)
    Dispatcher.open(copied, verify=False).close()


@pytest.mark.parametrize("threads", [-3, 10**6, "2", 1.5])
def test_threads_that_no_machine_should_start_are_refused(single, threads):
    with raises(InputError, "input.invalid", name="threads", given=threads):
        open_(single.path, threads=threads)


def test_it_says_what_it_is_and_knows_its_option(single):
    with Dispatcher.open(single.path) as dispatcher:
        assert dispatcher.engine.startswith("ONNX Runtime 1.")
        assert dispatcher.stands_in_for is None
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["option"]) == ("engine.option", "compute_units")
        ),
    ):
        Dispatcher.open(single.path, engine_options={"compute_units": "all"})


def test_a_provider_of_this_build_can_be_chosen(single, assert_answers):
    with Dispatcher.open(single.path, engine_options={"provider": "CPU"}) as dispatcher:
        assert dispatcher.engine.endswith("(CPU)")
        assert_answers(dispatcher.run(single.images[:1])["answer"], single.answers[:1])
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["option"]) == ("engine.option", "provider"),
    ):
        Dispatcher.open(single.path, engine_options={"provider": "NNAPI"})


def test_a_service_is_no_provider_of_this_machine(monkeypatch):
    import onnxruntime

    from mvmoe_deploy.runtime.runners.onnx.runner import providers

    told = ["CoreMLExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: told)
    assert providers(onnxruntime) == ["CoreML", "CPU"]


_IN_ONE_POOL = """
import sys
import numpy as np
import onnxruntime
from mvmoe_deploy import Dispatcher
from mvmoe_deploy.errors import InputError

path = sys.argv[1]
def answers(**options):
    with Dispatcher.open(path, threads=2, **options) as dispatcher:
        return dispatcher.run(dispatcher.bundle.golden()["image"][:2])["answer"]

early = Dispatcher.open(path, threads=2)
own = answers()
shared = answers(engine_options={"pool": "process"})
again = answers()  # A session with a pool of its own is refused from now on.
np.testing.assert_allclose(shared, own, atol=1e-5)  # Fp32 sums may be cut elsewhere.
np.testing.assert_array_equal(again, shared)
early.prewarm()  # Its experts load after the pool was made.
try:
    onnxruntime.set_global_thread_pool_sizes(2, 1)
except Exception as error:
    assert "already been created" in str(error)
else:
    raise AssertionError("no pool was made")
try:
    Dispatcher.open(path, threads=1)
except InputError as error:
    assert "one pool for all graphs of ONNX Runtime, with 2;" in str(error), error
    assert (error.code, error.fields["option"]) == ("engine.option", "pool")
else:
    raise AssertionError("a second size was taken")
"""


def test_all_graphs_may_run_on_one_pool_whose_size_stays(single):
    """In a process of its own: its pool stays for good."""
    command = [sys.executable, "-c", _IN_ONE_POOL, str(single.path)]
    subprocess.run(command, check=True, timeout=120)


def test_a_pool_that_other_code_made_is_refused(single):
    code = (
        "import sys, onnxruntime; onnxruntime.set_global_thread_pool_sizes(2, 1)\n"
        "from mvmoe_deploy import Dispatcher\n"
        "try: Dispatcher.open(sys.argv[1], threads=2, engine_options={'pool': 'process'})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code, str(single.path)]
    done = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    assert done.stdout.startswith("InputError pool=process was given, but other code")
