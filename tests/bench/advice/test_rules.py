"""Each rule where it fires and where it must not, on graphs written by hand."""

import dataclasses
import sys

import msgspec
import pytest

from mvmoe_bench.advice import GraphView
from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import (
    Compression,
    Parity,
    Sizes,
    Verification,
    VerifiedAccuracy,
)
from mvmoe_export.neural_engine import NEURAL_ENGINE

XNNPACK = {"format": "executorch", "options": {"delegate": "xnnpack"}}
NNAPI = {"format": "onnx", "options": {"profile": "nnapi"}}
EP = {"format": "onnx", "options": {"profile": "coreml-ep"}}
CPU = {"format": "onnx", "options": {"profile": "cpu"}}


def check(rule, target):
    return [
        (finding.severity, finding.text)
        for finding in part_lookup.find("advice", rule).check(target)
    ]


@pytest.mark.parametrize(
    ("fields", "pieces", "outside", "severity"),
    [
        (XNNPACK, 1, {"getitem": 2, "alloc": 4}, "info"),
        (XNNPACK, 1, {"native_layer_norm.out": 1}, "warning"),
        (XNNPACK, 3, {"native_layer_norm.out": 2}, "warning"),
        (XNNPACK, 5, {"native_layer_norm.out": 4}, "problem"),
        (XNNPACK, 0, {"native_layer_norm.out": 4}, "problem"),
        (NNAPI, 1, {}, "info"),
        (NNAPI, 1, {"Gelu": 2}, "warning"),
        (NNAPI, 1, {"Gelu": 30}, "problem"),
        (NNAPI, 2, {"Gelu": 2}, "warning"),
        (NNAPI, 3, {"Gelu": 2}, "problem"),
        (EP, 2, {"Gather": 1}, "warning"),
    ],
)
def test_pieces_are_as_grave_as_what_lies_between_them(hand, fields, pieces, outside, severity):
    (engine,) = fields["options"].values()
    nodes = None if fields is XNNPACK else 100
    graph = hand.stem(placement=[hand.placed(engine, pieces, outside, nodes)])
    (found,) = part_lookup.find("advice", "partitions").check(hand.target(graph, **fields))
    assert found.severity == severity


def test_bookkeeping_is_no_culprit(hand):
    graph = hand.stem(placement=[hand.placed("xnnpack", 2, {"getitem": 9, "mean.out": 1})])
    assert check("partitions", hand.target(graph, **XNNPACK)) == [
        (
            "warning",
            "2 partitions for XNNPACK, broken by 1 operator outside: mean.out (1); export it with "
            "the rewrites averages (the defaults, without --rewrites)",
        )
    ]


def test_an_operator_that_no_rewrite_takes_or_that_one_left_is_named_so(hand):
    outside = {"fft_r2c.out": 2, "select_copy.int_out": 1}
    graph = hand.stem(placement=[hand.placed("xnnpack", 3, outside)])
    ((_, text),) = check("partitions", hand.target(graph, rewrites=("slices",), **XNNPACK))
    assert text.endswith(
        "; no rewrite replaces fft_r2c.out (2), select_copy.int_out (1): write that part in other "
        "operators"
    )


def test_gathered_experts_are_the_strategys_fault(hand):
    graph = hand.stem(placement=[hand.placed("xnnpack", 3, {"index_select": 8})])
    ((_, text),) = check("partitions", hand.target(graph, strategy="gather", **XNNPACK))
    assert text.endswith("; the strategy gather needs them, export it with --strategy dispatch")


def test_engines_that_a_target_is_not_shaped_for_are_a_note(hand):
    graphs = [
        hand.stem(placement=[hand.placed("nnapi", pieces), hand.placed("coreml-ep", 1)])
        for pieces in (31, 7)
    ]
    ((severity, text),) = check("partitions", hand.target(*graphs, **CPU))
    assert severity == "info"
    assert "cut its graphs into up to 31 partitions" in text
    assert "--onnx-profile nnapi" in text
    other = {"onnx-nnapi": hand.record(**NNAPI)}
    assert check("partitions", hand.target(*graphs, others=other, **CPU)) == []


def test_every_repair_is_a_rewrite_that_the_engines_target_uses_by_default():
    from mvmoe_export.rewrites import built_in, replacing
    from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH
    from mvmoe_export.targets.onnx.profiles import REWRITES as ONNX

    replaced = frozenset().union(*(rewrite.replaces for rewrite in built_in()))
    of_onnx = {name for name in replaced if name[0].isupper()}
    left = {name for name in of_onnx if not set(replacing(name)) & set(ONNX["nnapi"])}
    assert left == {"Min"}, "NNAPI takes that itself"
    of_aten = replaced - of_onnx
    left = {name for name in of_aten if not set(replacing(name)) & set(EXECUTORCH["xnnpack"])}
    assert left == {"hardswish", "hardsigmoid", "ceil", "minimum"}, "XNNPACK takes those itself"
    assert replacing("mul.Scalar_out") == ["arithmetic"], "without its overload"
    assert replacing("fft_r2c.out") == []


def test_a_rewrite_that_the_engine_does_not_get_by_default_has_to_be_named(hand):
    graph = hand.stem(placement=[hand.placed("xnnpack", 2, {"hardswish.out": 1, "mean.out": 1})])
    ((_, text),) = check("partitions", hand.target(graph, **XNNPACK))
    assert text.endswith(
        "; export it with the rewrites averages (the defaults, without --rewrites); the rewrites "
        "hard-swish, which only --rewrites applies, replace others of them"
    )


def test_without_pytorch_the_extra_that_knows_the_rewrites_is_named(hand, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("mvmoe_export.rewrites")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    graph = hand.stem(placement=[hand.placed("xnnpack", 2, {"mean.out": 1})])
    ((_, text),) = check("partitions", hand.target(graph, **XNNPACK))
    assert text.endswith("PyTorch is not installed; run: pip install 'mvmoe-deploy[export]'")


def test_no_delegate_is_slow(hand):
    portable = {"format": "executorch", "options": {"delegate": "portable"}}
    assert [severity for severity, _ in check("portable", hand.target(**portable))] == ["warning"]
    assert check("portable", hand.target(**XNNPACK)) == []


@pytest.mark.parametrize(
    ("fields", "shape", "severities"),
    [
        ({}, (1, 2, 3, 4), []),
        ({}, (1, 2, 3, 4, 5), ["warning"]),
        ({}, (1, 2, 3, 4, 5, 6), ["problem"]),
        (NNAPI, (1, 2, 3, 4), []),
        (NNAPI, (1, 2, 3, 4, 5), ["problem"]),
        (EP, (1, 2, 3, 4, 5), []),
        (EP, (1, 2, 3, 4, 5, 6), ["problem"]),
        (CPU, (1, 2, 3, 4, 5, 6), []),
    ],
)
def test_axes_beyond_what_an_engine_takes(hand, fields, shape, severities):
    reads = hand.op("transpose", 1, 2, inputs=[hand.tensor(*shape)])
    for operator in (hand.op("reshape", *shape), reads):
        found = check("rank", hand.target(hand.stem(operator), **fields))
        assert [severity for severity, _ in found] == severities
        assert all(f"up to {len(shape)} axes at {operator.type} (1)" in text for _, text in found)


def test_shapes_that_are_not_fixed(hand):
    graph = hand.stem(hand.op("non_zero", None, 2), hand.op("add", 1, 2))
    assert [severity for severity, _ in check("shapes", hand.target(graph))] == ["problem"]
    assert len(check("shapes", hand.target(graph, **NNAPI))) == 1
    assert check("shapes", hand.target(graph, **CPU)) == []
    assert check("shapes", hand.target(hand.stem(hand.op("add", 1, 2)))) == []


def test_fp32_keeps_all_of_a_program_off_the_neural_engine(hand):
    sizes = Sizes(distinct_bytes=44_000_000, shared_bytes=1)
    ((severity, text),) = check("precision", hand.target(precision="fp32", sizes=sizes))
    assert severity == "problem"
    assert "none of it will run on the Neural Engine" in text
    assert "halves 44.0 MB" in text


def test_fp32_parts_cut_a_program_and_casts_at_its_ends_do_not(hand):
    ends = [hand.op("cast", 1, 2), hand.op("add", 1, 2), hand.op("cast", 1, 2, dtype="float32")]
    assert check("precision", hand.target(hand.stem(*ends))) == []
    graph = hand.stem(*ends, hand.op("softmax", 1, 2, dtype="float32"))
    ((severity, text),) = check("precision", hand.target(graph))
    assert severity == "warning"
    assert text.startswith("1 operator in fp32")
    assert check("precision", hand.target(graph, precision="fp32", **CPU)) == []


def test_operators_that_leave_the_neural_engine(hand):
    kinds = ("topk", "gather_along_axis", "gather_along_axis", "linear", "gelu", "layer_norm")
    graph = hand.stem(*(hand.op(kind, 1, 2) for kind in kinds))
    (found,) = part_lookup.find("advice", "neural-engine-operators").check(hand.target(graph))
    assert found.severity == "warning"
    assert found.text.startswith("gather_along_axis (2), topk (1) will probably not run")
    assert "rf-detr#1495" in found.source
    assert check("neural-engine-operators", hand.target(graph, **CPU)) == []
    assert check("neural-engine-operators", hand.target(hand.stem(hand.op("linear", 1, 2)))) == []


def test_what_is_known_of_operators_has_a_source_each():
    leaves = NEURAL_ENGINE.leaves.value
    assert all("http" in str(source) for sources in leaves.values() for source in sources)
    assert not {"cumsum", "reduce_argmax", "softmax", "matmul", "conv"} & set(leaves)


def test_gathers_of_experts_are_the_strategys(hand):
    graph = hand.stem(hand.op("gather", 1, 2))
    ((_, text),) = check("neural-engine-operators", hand.target(graph, strategy="gather"))
    assert text.endswith("export with --strategy dispatch, which gathers nothing")


def test_whole_numbers_leave_the_neural_engine(hand):
    graph = hand.stem(
        hand.op("tile", 3, 1, dtype="int32"),
        hand.op("topk", 3, 1, dtype="int32"),
        hand.op("constexpr", 3, 1, dtype="int8"),
        hand.op("add", 3, 1),
    )
    ((severity, text),) = check("integers", hand.target(graph))
    assert (severity, text.split(" give")[0]) == ("warning", "tile (1)")
    assert check("integers", hand.target(hand.stem(hand.op("add", 3, 1)))) == []


def test_an_argmax_of_fp16_is_a_risk_and_one_of_fp32_is_not(hand):
    half, full = (
        hand.stem(hand.op("reduce_argmax", 1, dtype="int32", inputs=[hand.tensor(9, dtype=dtype)]))
        for dtype in ("float16", "float32")
    )
    assert len(check("selection", hand.target(half))) == 1
    assert check("selection", hand.target(full)) == []


@pytest.mark.parametrize(
    ("window", "severities"), [(3, []), (13, []), (14, ["info"]), (16, ["info"]), (32, ["warning"])]
)
def test_windows_wider_than_the_neural_engine_takes(hand, window, severities):
    patches = hand.op("conv", 1, 8, 7, 7, kernel=(window, window), macs=100)
    graph = hand.stem(patches, hand.op("linear", 1, 8, macs=300))
    found = check("kernels", hand.target(graph))
    assert [severity for severity, _ in found] == severities
    assert all(f"{window} x {window}, 25% of" in text for _, text in found)


def staged(hand, *macs):
    """One graph a stage with these multiply-adds."""
    return [
        GraphView(f"g{stage}", stage, None, (hand.op("linear", 1, 8, macs=count),), 1, ())
        for stage, count in enumerate(macs)
    ]


@pytest.mark.parametrize(
    ("macs", "severity", "begins"),
    [
        (10**6, "warning", "Too small for the Neural Engine: 2 MFLOP are about 0.23 ms"),
        (46 * 10**6, "info", "As good on the CPU as on the Neural Engine: 92 MFLOP"),
        (260 * 10**6, "info", "Large enough for the Neural Engine: 520 MFLOP are about 0.53 ms"),
    ],
)
def test_small_graphs_are_for_the_cpu(hand, macs, severity, begins):
    ((found, text),) = check("dispatch-cost", hand.target(*staged(hand, macs)))
    assert found == severity
    assert text.startswith(begins)


def test_an_image_pays_a_call_for_each_of_its_experts_and_the_one_that_joins_them(hand):
    def view(name, stage, route):
        return GraphView(name, stage, route, (hand.op("linear", 1, 8, macs=10**9),), 1, ())

    views = [view("stem", 0, None), view("e0", 1, (0,)), view("e1", 1, (1,)), view("join", 1, None)]
    slots = [f"slot{slot}_output" for slot in range(2)]
    (join,) = hand.target().record.graphs
    given = [msgspec.structs.replace(join.inputs[0], name=name) for name in ("x", *slots, "gates")]
    join = msgspec.structs.replace(join, name="join", stage=1, inputs=tuple(given))
    target = hand.target(*views, graphs=(join,))
    assert check("dispatch-cost", target)[-1][1].startswith(
        "An image takes 4 calls, one for each expert and stage: 0.92 ms of an estimated 5.6 ms"
    )


def test_an_image_pays_a_call_for_each_stage(hand):
    found = check("dispatch-cost", hand.target(*staged(hand, 10**9, 10**9, 10**9)))
    assert found[-1] == (
        "info",
        "An image takes 3 calls, one a stage: 0.69 ms of an estimated 4.2 ms on the Neural Engine; "
        "fewer routed stages mean fewer calls",
    )
    view = hand.target(*staged(hand, 10**9, 10**9))
    engines = [
        finding.engine for finding in part_lookup.find("advice", "dispatch-cost").check(view)
    ]
    assert engines == ["Neural Engine", "Neural Engine", "Core ML"]
    assert check("dispatch-cost", hand.target(*staged(hand, 10**9), **CPU)) == []
    assert check("dispatch-cost", hand.target(*staged(hand, 0))) == []


def test_graphs_on_the_cpu_by_choice_are_not_told_of_the_neural_engine(hand):
    graph = hand.stem(hand.op("topk", 1, 2, macs=5))
    below = {"format": "executorch", "options": {"delegate": "coreml", "compute_units": "all"}}
    assert len(check("neural-engine-operators", hand.target(graph, **below))) == 1
    below["options"]["compute_units"] = "cpu_only"
    assert check("neural-engine-operators", hand.target(graph, **below)) == []
    assert check("first-load", hand.target(graph, **below)) == []


def test_old_systems_store_shared_weights_in_every_package(hand):
    graphs = [hand.stem(weight_bytes=4_000_000) for _ in range(3)]
    fields = {
        "options": {"deployment_target": "iOS16"},
        "sizes": Sizes(distinct_bytes=5_000_000, shared_bytes=1),
    }
    ((severity, text),) = check(
        "shared-weights", hand.target(*graphs, files=("a", "b", "c"), **fields)
    )
    assert severity == "warning"
    assert text.startswith("iOS16 has no functions in packages: 3 packages store 7.0 MB of 12.0 MB")
    assert check("shared-weights", hand.target(*graphs, files=("a",) * 3, **fields)) == []


def test_padding_of_the_last_axis_is_added_up(hand):
    graph = hand.stem(hand.op("add", 1, 10, 32), hand.op("softmax", 1, 10, 16))
    ((severity, text),) = check("alignment", hand.target(graph))
    assert severity == "info"
    assert text.startswith("Padding adds about 33% to the memory")  # 160 of 480 elements.
    assert "where the last axis has 16;" in text
    wasteful = hand.stem(hand.op("mean", 1, 10, 1))
    assert check("alignment", hand.target(wasteful))[0][0] == "warning"
    good = hand.stem(hand.op("add", 1, 50, 192), hand.op("add", 1, 8, dtype="int32"))
    assert check("alignment", hand.target(good)) == []


NPU = """
from mvmoe_export.accelerator import Accelerator, Fact, Windows
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.sources import Citation
from mvmoe_export.targets.onnx.target import OnnxTarget

MANUAL = (Citation("its manual", "https://example.org/npu"),)


class NpuTarget(OnnxTarget):
    name = "npu"
    engines = (
        EngineFacts(
            "npu",
            "NPU's runtime",
            most_axes=6,
            accelerator=Accelerator(
                "NPU",
                row=Fact(8, "Its rows have 8 numbers.", MANUAL),
                windows=Fact(Windows(9, 3, "the first", "the second"), "Windows.", MANUAL),
                axes=Fact(3, "It has three axes.", MANUAL),
            ),
        ),
    )


PART = NpuTarget()
"""


def test_the_same_rules_advise_about_another_distributions_accelerator(hand, plug_in):
    plug_in("npu_target", NPU, "[mvmoe.parts]\ntargets.npu = npu_target\n")
    graph = hand.stem(hand.op("add", 1, 100, 12), hand.op("conv", 1, 8, 8, 8, kernel=(11, 11)))
    view = dataclasses.replace(hand.target(graph, format="npu"), plugins=True)
    found = {
        name: [*part_lookup.find("advice", name).check(view)]
        for name in part_lookup.built_in_names("advice")
    }
    assert {name: len(its) for name, its in found.items() if its} == {
        "alignment": 1,
        "kernels": 1,
        "rank": 1,
    }
    ((padding,), (window,), (axes,)) = found["alignment"], found["kernels"], found["rank"]
    assert padding.text.endswith("multiples of 8")
    assert (padding.engine, padding.reason) == ("NPU", "Its rows have 8 numbers.")
    assert padding.source == "its manual (https://example.org/npu)"
    assert "wider than the 9 that the NPU takes" in window.text
    assert axes.text.startswith("Tensors of up to 4 axes at conv (1)")
    imported = dataclasses.replace(view, plugins=False)
    assert [*part_lookup.find("advice", "alignment").check(imported)] == [], "only with leave"


def test_apples_layout_is_mentioned_where_tokens_go_through_linear_layers(hand):
    assert len(check("layout", hand.target(hand.stem(hand.op("linear", 1, 50, 192))))) == 1
    assert check("layout", hand.target(hand.stem(hand.op("conv", 1, 192, 1, 50)))) == []
    assert check("layout", hand.target(hand.stem(hand.op("linear", 1, 192)))) == []


def test_first_loads_are_counted(hand):
    graphs = [
        hand.stem(weight_bytes=10_100_000),
        GraphView("step1_e0", 1, (0,), (), 50_000, ()),
    ]
    ((_, text),) = check("first-load", hand.target(*graphs))
    assert text.startswith(
        "2 first loads to compile on each device (the largest, stem, has 10.1 MB"
    )
    assert "the stem and the most used experts" in text
    assert "load them all" in check("first-load", hand.target(graphs[0]))[0][1]
    assert check("first-load", hand.target(*graphs, **CPU)) == []


def test_nnapi_is_legacy_and_wants_xnnpack_beside_it(hand):
    ((severity, text),) = check("nnapi", hand.target(**NNAPI))
    assert severity == "warning"
    assert "--target executorch" in text
    others = {"executorch": hand.record(**XNNPACK)}
    ((severity, text),) = check("nnapi", hand.target(others=others, **NNAPI))
    assert severity == "info"
    assert "measure the target executorch" in text
    assert check("nnapi", hand.target(**CPU)) == []


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [(NNAPI, "Gemm (2), Conv (1)"), (EP, "Gemm (2), Conv (1)"), (CPU, None), (XNNPACK, None)],
)
def test_providers_want_the_weights_of_layers_as_constants(hand, fields, kinds):
    dynamic = [hand.op(kind, 1, 4, dynamic=True) for kind in ("Gemm", "Conv", "Gemm", "MatMul")]
    constant = [hand.op(kind, 1, 4) for kind in ("Gemm", "Conv")]
    found = check("dynamic-weights", hand.target(hand.stem(*dynamic, *constant), **fields))
    assert [severity for severity, _ in found] == (["warning"] if kinds else [])
    assert all(text.startswith(f"{kinds} with weights that are no constants") for _, text in found)
    assert check("dynamic-weights", hand.target(hand.stem(*constant), **fields)) == []


def test_convolutions_with_computed_weights_leave_the_neural_engine(hand):
    ops = [hand.op(kind, 1, 4, dynamic=True) for kind in ("conv", "linear", "matmul")]
    target = hand.target(hand.stem(*ops, hand.op("conv", 1, 4)))
    ((severity, text),) = check("dynamic-convolutions", target)
    assert severity == "warning"
    assert text.startswith("conv (1) with weights that are no constants will probably not run")
    assert check("dynamic-convolutions", hand.target(hand.stem(*ops), **EP)) == []


def verified(loss=None, error=0.1):
    """What an export found; with a loss on labelled images."""
    known = None
    if loss is not None:
        known = VerifiedAccuracy(
            images=512, reference=0.9, target=0.9 - loss, least_loss=-0.01, most_loss=0.0193
        )
    found = Verification(
        images=512, routing_agreement=1.0, router_error=0.1, router_error_bound=0.2,
        answer_error=error, answer_error_bound=0.2, outputs={}, near_ties=0, forced_routes=0,
        accuracy=known,
    )  # fmt: skip
    return Parity(graphs=1, max_abs_error=error, tolerance=0.2, verification=found)


def precision(hand, name, weights, parity=None, **fields):
    """A target's record in a precision; fp32 is the uncompressed one."""
    if name != "fp32":
        numbers = {"weights": name, "activations": "dynamic-int8", "layers": 9, "left": ()}
        fields["compression"] = Compression(plain_bytes=2_000_000, **numbers)
    sizes = Sizes(distinct_bytes=weights, shared_bytes=1, expert_bytes=())
    return hand.record(
        precision=name, sizes=sizes, parity=parity or verified(), **{**CPU, **fields}
    )


def chosen(hand, records):
    """What the rule says of each target of a bundle."""
    targets = {
        name: dataclasses.replace(hand.target(name=name), record=record, targets=records)
        for name, record in records.items()
    }
    return {name: check("precision-choice", target) for name, target in targets.items()}


def test_the_smallest_precision_that_keeps_its_bounds_is_advised(hand):
    found = chosen(
        hand,
        {
            "onnx": precision(hand, "fp32", 2_000_000),
            "onnx-int8": precision(hand, "int8", 540_000, verified(0.0039)),
            "onnx-int6": precision(hand, "palette-6", 440_000, verified(0.012)),
            "onnx-int5": precision(hand, "palette-5", 400_000, verified(error=0.3)),
        },
    )
    assert found["onnx"] == []
    assert found["onnx-int8"] == [
        (
            "info",
            "The smallest of 4 precisions that keeps its bounds, with 0.5 MB of weights (0.27 of "
            "the target onnx), at a loss of 0.39 points (95% interval -1.00 to 1.93): ship it, "
            "once mvmoe bench has shown its time beside the others'",
        )
    ]
    assert found["onnx-int6"] == [
        (
            "warning",
            "It has a loss of 1.20 points (95% interval -1.00 to 1.93), more than 0.50; ship "
            "onnx-int8",
        )
    ]
    assert found["onnx-int5"] == [
        ("warning", "What the export verified is beyond its bounds; ship onnx-int8")
    ]


def test_a_loss_that_is_not_known_is_said_with_the_way_to_know_it(hand):
    found = chosen(
        hand,
        {"a": precision(hand, "fp32", 2_000_000), "b": precision(hand, "int8", 540_000)},
    )
    ((severity, text),) = found["b"]
    assert severity == "info"
    assert "a loss of right answers that is not known (export with --calibrate" in text


def test_what_was_not_verified_is_not_shipped(hand):
    unverified = precision(hand, "int8", 540_000)
    unverified = msgspec.structs.replace(unverified, parity=None)
    found = chosen(hand, {"a": precision(hand, "fp32", 2_000_000), "b": unverified})
    assert found["b"] == [
        (
            "warning",
            "It was not verified; say what it loses with mvmoe verify --checkpoint; ship a",
        )
    ]
    assert found["a"] == [
        (
            "info",
            "Ship this one of 2 precisions: no compressed one keeps its bounds and loses at most "
            "0.50 points",
        )
    ]
    alone = {name: msgspec.structs.replace(unverified, precision=name) for name in ("a", "b")}
    texts = [text for said in chosen(hand, alone).values() for _, text in said]
    assert len(texts) == 2
    assert all(text.endswith("; export with another --precision") for text in texts)


def test_one_precision_of_a_format_is_no_choice(hand):
    other = precision(hand, "int8", 540_000, format="executorch", options={"delegate": "xnnpack"})
    found = chosen(hand, {"onnx": precision(hand, "fp32", 2_000_000), "executorch": other})
    assert found == {"onnx": [], "executorch": []}


def test_numbers_that_save_bytes_alone_are_warned_of_where_the_engine_is_known_for_it(hand):
    plain, small = (precision(hand, "fp32", 2_000_000), precision(hand, "int4", 340_000))
    found = chosen(hand, {"onnx": plain, "onnx-int4": small})["onnx-int4"]
    assert [severity for severity, _ in found] == ["info", "warning"]
    assert found[1][1] == (
        "Weights in int4 save bytes on the CPU, and hardly any time or none: measure it beside "
        "onnx with mvmoe bench before it ships"
    )
    other = {
        "a": precision(hand, "fp32", 2_000_000, **XNNPACK),
        "b": precision(hand, "int4", 340_000, **XNNPACK),
    }
    assert [severity for severity, _ in chosen(hand, other)["b"]] == ["info"]
