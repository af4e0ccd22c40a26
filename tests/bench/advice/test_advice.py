"""Real bundles: nothing of ours is a false alarm, the naive export is named by its culprits."""

import dataclasses
import shutil
import sys

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.advice import advise, all_rules
from mvmoe_bench.measure.schema.lines import line_decoder
from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Placement
from mvmoe_deploy.errors import BundleError


def by_rule(found, rule):
    return [advice for advice in found if advice.rule == rule]


def test_our_own_export_has_no_problem(exported):
    found = advise(exported.ours)
    assert {advice.severity for advice in found} <= {"info", "warning"}
    (pieces,) = by_rule(found, "partitions")
    assert pieces.severity == "info"
    assert pieces.text == "All 4 graphs: One partition for NNAPI, and no operator outside of it"
    assert pieces.graph is None
    # The model is tiny on purpose, and the bundle has nothing but NNAPI for Android.
    warned = {advice.rule for advice in found if advice.severity == "warning"}
    assert warned == {"dispatch-cost", "nnapi"}


def test_the_naive_export_is_told_what_breaks_it_and_what_repairs_it(exported):
    found = advise(exported.naive)
    stem, experts, other = by_rule(found, "partitions")
    assert (stem.graph, stem.severity) == ("stem", "problem")
    assert stem.text == (
        "4 partitions for NNAPI, broken by 3 operators outside: LayerNormalization (2), Gelu (1); "
        "export it with the rewrites gelu-primitives, gelu-tanh, layer-norm (the defaults, without "
        "--rewrites)"
    )
    assert experts.graph is None
    assert experts.text.startswith("All 3 graphs of the routed stage 1: 4 partitions for NNAPI")
    assert (other.engine, other.severity) == ("CoreML EP", "info")
    assert found.index(stem) < found.index(by_rule(found, "nnapi")[0]), "the gravest first"


def test_graphs_of_routes_that_are_alike_are_one_advice(exported):
    sizes = by_rule(advise(exported.ours, ["coreml"]), "dispatch-cost")
    assert [advice.graph for advice in sizes] == ["stem", None, None]
    assert sizes[1].text.startswith("All 3 graphs of the routed stage 1: Too small")


def test_only_the_targets_that_are_asked_for_are_looked_at(exported):
    assert {advice.target for advice in advise(exported.ours, ["coreml"])} == {"coreml"}
    assert advise(exported.ours, []) == []
    with raises(BundleError, "bundle.no-target", target="executorch"):
        advise(exported.ours, ["executorch"])


def test_advice_is_a_line_of_a_results_file_with_reason_and_public_source(exported):
    for advice in advise(exported.ours, name="mine"):
        assert line_decoder().decode(msgspec.json.encode(advice)) == advice
        assert advice.bundle == "mine"
        assert advice.reason.endswith(".")
        assert "http" in advice.source
        assert not advice.text[0].islower()
        assert not advice.text.endswith(".")
        assert "\n" not in advice.text


def test_every_rule_has_a_name_a_reason_and_a_source_that_can_be_looked_up():
    assert [rule.name for rule in all_rules()] == part_lookup.names("advice")
    for rule in all_rules():
        assert rule.name == rule.name.lower().replace(" ", "-")
        assert rule.reason.endswith(".")
        assert "https://" in rule.source


TALKATIVE = """
from mvmoe_bench.advice import Finding


class Talkative:
    name = "talkative"
    reason = "It must be said."
    source = "nobody"

    def check(self, target):
        for graph in target.graphs:
            yield Finding("info", "none", f"Seen {len(graph.ops)} operators", graph.name)
        yield Finding("warning", "none", "Seen", source="somebody")


PART = Talkative()
"""


def test_rules_of_other_packages_are_asked_too(exported, plug_in):
    plug_in("talking", TALKATIVE, "[mvmoe.parts]\nadvice.talkative = talking\n")
    (rule,) = (rule for rule in all_rules() if rule.name == "talkative")
    told = advise(exported.naive, rules=[rule])
    assert (told[0].severity, told[0].source, told[0].reason) == (
        "warning",
        "somebody",
        "It must be said.",
    )


@pytest.mark.parametrize("damage", [b"", b"\x08\x01garbage", b"\xff" * 100])
def test_a_damaged_onnx_graph_is_one_sentence(exported, tmp_path, damage):
    copy = shutil.copytree(exported.naive.path, tmp_path / "copy")
    (copy / "onnx" / "stem.onnx").write_bytes(damage)
    found = advise(Bundle.open(copy))
    told = by_rule(found, "unreadable")
    assert len(told) == (damage != b"")  # Nothing at all is a graph without nodes.
    assert all(advice.graph == "stem" and advice.severity == "problem" for advice in told)
    assert by_rule(found, "partitions"), "what the manifest says is judged all the same"


def test_a_missing_graph_and_a_link_are_one_sentence(exported, tmp_path):
    copy = shutil.copytree(exported.ours.path, tmp_path / "copy")
    (copy / "onnx" / "stem.onnx").unlink()
    (copy / "onnx" / "step1_e0.onnx").unlink()
    (copy / "onnx" / "step1_e0.onnx").symlink_to(tmp_path)
    shutil.rmtree(copy / "coreml" / "model.mlpackage" / "Data")
    found = by_rule(advise(Bundle.open(copy)), "unreadable")
    assert sorted((advice.target, advice.graph or "") for advice in found) == [
        ("coreml", ""),
        ("onnx", "stem"),
        ("onnx", "step1_e0"),
    ]
    assert found[0].text.startswith("The graph cannot be read: onnx/stem.onnx of bundle ")


def test_without_the_formats_package_one_is_told_which_extra_to_install(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    evaluator = "mvmoe_deploy.runtime.runners.coreml_reference"
    for module in ("coremltools_imports", "package"):
        monkeypatch.delitem(sys.modules, f"{evaluator}.{module}", raising=False)
    for module in [name for name in sys.modules if name.split(".")[0] == "coremltools"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "coremltools", None)
    told = by_rule(advise(exported.ours), "not-looked-at")
    assert [(advice.severity, advice.target) for advice in told] == [
        ("info", target) for target in exported.ours.manifest.targets
    ]
    texts = {advice.target: advice.text for advice in told}
    assert "pip install 'mvmoe-deploy[export]'" in texts["onnx"]
    assert "pip install 'mvmoe-deploy[coreml]'" in texts["coreml"]


WITHOUT_READER = """
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.sources import Citation
from mvmoe_export.targets.onnx.target import OnnxTarget


class Strange(OnnxTarget):
    name = "strange"
    read_operators = None
    engines = (
        *OnnxTarget.engines,
        EngineFacts(
            "npu",
            "The NPU",
            {"unit": ("npu",)},
            needs=("one-partition",),
            few_partitions=9,
            most_axes=3,
            sources=(Citation("its maker, a manual", "https://example.org/npu"),),
        ),
    )


PART = Strange()
"""


def judged_as_strange(exported, **changes):
    """The advice for the naive ONNX target, as if another distribution's target had written it."""
    record = exported.naive.manifest.targets["onnx"]
    targets = {"strange": msgspec.structs.replace(record, format="strange", **changes)}
    manifest = msgspec.structs.replace(exported.naive.manifest, targets=targets)
    return advise(dataclasses.replace(exported.naive, manifest=manifest, plugins=True))


def test_a_bundle_without_operators_to_read_is_judged_by_its_manifest(exported, plug_in):
    plug_in("strange", WITHOUT_READER, "[mvmoe.parts]\ntargets.strange = strange\n")
    found = judged_as_strange(exported)
    assert {advice.rule for advice in found} == {"partitions", "nnapi"}


def test_another_distributions_target_is_advised_by_what_it_says_of_its_engine(exported, plug_in):
    plug_in("strange", WITHOUT_READER, "[mvmoe.parts]\ntargets.strange = strange\n")
    placed = Placement(engine="npu", partitions=8, nodes_outside=2, outside={"Gelu": 1, "Where": 1})
    graphs = tuple(
        msgspec.structs.replace(graph, placement=(placed,))
        for graph in exported.naive.manifest.targets["onnx"].graphs
    )
    (advice,) = judged_as_strange(exported, graphs=graphs, options={"unit": "npu"})
    assert (advice.severity, advice.engine) == ("warning", "The NPU")
    assert advice.source == "its maker, a manual (https://example.org/npu)"
    assert advice.text.endswith(
        "8 partitions for The NPU, broken by 2 operators outside: Gelu (1), Where (1); export it "
        "with the rewrites attention (the defaults, without --rewrites); the rewrites "
        "gelu-primitives, gelu-tanh, which only --rewrites applies, replace others of them"
    )
    (other,) = judged_as_strange(exported, graphs=graphs, options={"profile": "cpu"})
    assert other.text == (
        "It is shaped for the profile cpu, and The NPU would cut its graphs into up to 8 "
        "partitions: to run it there export it with --strange-unit npu"
    )


def test_a_target_that_is_not_installed_is_judged_by_what_its_export_recorded(exported):
    found = judged_as_strange(exported)
    assert {(advice.rule, advice.engine) for advice in found} == {
        ("partitions", "nnapi"),
        ("partitions", "coreml-ep"),
    }
