"""The manifest: what is refused, whatever is done to it, and its published schema."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest
from expected_errors import raises
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.read import MAX_MANIFEST_BYTES, parse_manifest
from mvmoe_deploy.bundle.schema import schema_text
from mvmoe_deploy.errors import BundleError, Fault
from mvmoe_deploy.routing.top_k import TopK

PUBLISHED = Path(__file__).parents[2] / "docs" / "manifest.schema.json"

MOST_CHARACTERS = 2000
"""A message is one sentence; it may show a path and a few shapes."""


def refused(data, fault):
    """Manifest bytes or plain data are refused with a fault, in one sentence; gives the error.

    A fault that is a text is what the sentence says of fields that contradict each other.
    """
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(BundleError) as caught:
        parse_manifest(data, "the test")
    message = str(caught.value)
    if isinstance(fault, str):
        assert caught.value.code == "bundle.manifest-inconsistent"
        assert re.search(fault, message)
    else:
        assert (caught.value.code, caught.value.fields) == (fault.code, fault.fields)
    assert "the test" in message
    assert "\n" not in message
    assert len(message) < MOST_CHARACTERS


def test_a_valid_manifest_is_read_as_it_was_written(plain):
    manifest = parse_manifest(json.dumps(plain()).encode(), "the test")
    assert json.loads(msgspec.json.encode(manifest)) == plain()
    assert manifest.rules == (TopK(experts=3),)


# JSON


@pytest.mark.parametrize(
    "data, fault",
    [
        (b"", Fault("bundle.manifest-not-json")),
        (b"{", Fault("bundle.manifest-not-json")),
        (b"{} {}", Fault("bundle.manifest-not-json")),
        (b"{'a': 1}", Fault("bundle.manifest-not-json")),
        (b'{"a": 1,}', Fault("bundle.manifest-not-json")),
        (b'{"format": "\xff"}', Fault("bundle.manifest-not-json")),
        ('{"format": "mvmoe-bundle"}'.encode("utf-16"), Fault("bundle.manifest-byte-order-mark")),
        (b'\xef\xbb\xbf{"format": 1}', Fault("bundle.manifest-byte-order-mark")),
        (b'{"format": "\\ud800"}', Fault("bundle.manifest-not-json")),
        (b'{"a": NaN}', Fault("bundle.manifest-not-json")),
        (b'{"a": -Infinity}', Fault("bundle.manifest-not-json")),
        (b'{"a": ' + b"9" * 5000 + b"}", Fault("bundle.manifest-out-of-range")),
        (b'{"a": 1, "b": 2, "a": 3}', Fault("bundle.manifest-duplicate-key", name="a")),
        (b'{"a": {"b": [{"c": 1, "c": 1}]}}', Fault("bundle.manifest-duplicate-key", name="c")),
        (
            b'{"' + b"k" * 10**6 + b'": 1, "' + b"k" * 10**6 + b'": 1}',
            Fault("bundle.manifest-duplicate-key", name="k" * 80 + "..."),
        ),
        (b"[" * 10**6, Fault("bundle.manifest-too-deep")),
        (b'{"a": ' * 10**5, Fault("bundle.manifest-too-deep")),
        (b"[]", Fault("bundle.manifest-wrong-type", path="$", expected="object")),
        (b'"text"', Fault("bundle.manifest-wrong-type", path="$", expected="object")),
        (b"null", Fault("bundle.manifest-wrong-type", path="$", expected="object")),
        (b"{}", Fault("bundle.unsupported-version", format="None", version="None")),
        (b" " * (MAX_MANIFEST_BYTES + 1), Fault("bundle.too-large", limit=33554432)),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else "",
)
def test_what_is_no_strict_json_object_is_refused(data, fault):
    refused(data, fault)


@pytest.mark.parametrize("version", [0, 1, "1", None, [1], {"a": "b" * 10**6}])
def test_another_version_is_refused_by_its_number(plain, version):
    shown = repr(version) if len(repr(version)) < 80 else repr(version)[:80] + "..."
    wrong = Fault("bundle.unsupported-version", format="'mvmoe-bundle'", version=shown)
    refused({**plain(), "version": version}, wrong)


@pytest.mark.parametrize(("version", "found"), [(2.0, "float")])
def test_a_version_that_only_equals_the_right_one_is_refused(plain, version, found):
    wrong = Fault("bundle.manifest-wrong-type", path="$.version", expected="int", found=found)
    refused({**plain(), "version": version}, wrong)


def test_another_format_is_refused(plain):
    refused(
        {**plain(), "format": "mvmoe-checkpoint"},
        Fault("bundle.unsupported-version", format="'mvmoe-checkpoint'", version="2"),
    )


def test_the_sentence_about_another_version_says_what_this_release_reads(plain):
    with raises(BundleError, "bundle.unsupported-version", version="1") as caught:
        parse_manifest(json.dumps({**plain(), "version": 1}).encode(), "the test")
    assert "reads 'mvmoe-bundle' version 2: export the bundle again" in str(caught.value)


# Fields


def put(*path_and_value):
    """A change that sets one node; the last argument is its value."""
    *path, last, value = path_and_value

    def change(content):
        for key in path:
            content = content[key]
        content[last] = value

    return change


def finishing(routes):
    """Images on some routes are finished, with an output that the stem gives as well."""

    def change(content):
        content["stages"][0]["gives"]["early"] = "stem.early"
        content["outputs"][0]["tensors"].insert(0, "stem.early")
        content["stages"][1]["finishes"] = routes
        for target in content["targets"].values():
            for graph in target["graphs"]:
                if graph["stage"] == 0:
                    early = {"name": "early", "shape": [1, 4], "dtype": "float32", "pixels": None}
                    graph["outputs"].append(early)

    return change


def test_a_route_on_which_images_are_finished_has_no_graph(plain):
    content = plain()
    finishing([[0], [2]])(content)
    for target in content["targets"].values():
        target["graphs"] = [graph for graph in target["graphs"] if graph["route"] not in ([0], [2])]
    parsed = parse_manifest(json.dumps(content).encode(), "the test")
    assert parsed.stages[1].finishes == ((0,), (2,))
    assert parsed.stages[1].first_route == (1,)


ONNX = ("targets", "onnx")
GRAPH = (*ONNX, "graphs", 1)
STEM = (*ONNX, "graphs", 0)


@pytest.mark.parametrize(
    "change, fault",
    [
        (put("extra", 1), Fault("bundle.manifest-unknown-field", path="$", name="extra")),
        (
            put("x" * 10**6, 1),
            Fault("bundle.manifest-unknown-field", path="$", name="x" * 80 + "..."),
        ),
        (
            put("model", "extra", 1),
            Fault("bundle.manifest-unknown-field", path="$.model", name="extra"),
        ),
        (
            put(*GRAPH, "extra", 1),
            Fault("bundle.manifest-unknown-field", path="$.targets[...].graphs[1]", name="extra"),
        ),
        (
            put("stages", 1, "rule", "extra", 1),
            Fault("bundle.manifest-unknown-field", path="$.stages[1].rule", name="extra"),
        ),
        (
            lambda c: c.pop("golden"),
            Fault("bundle.manifest-missing-field", path="$", name="golden"),
        ),
        (
            put("golden", None),
            Fault("bundle.manifest-wrong-type", path="$.golden", expected="object", found="null"),
        ),
        (
            put("golden", "images", 0),
            Fault("bundle.manifest-out-of-range", path="$.golden.images", expected="int >= 1"),
        ),
        (
            put("golden", "images", 10_001),
            Fault("bundle.manifest-out-of-range", path="$.golden.images", expected="int <= 10000"),
        ),
        (
            put("model", "macs", -1),
            Fault("bundle.manifest-out-of-range", path="$.model.macs", expected="int >= 0"),
        ),
        (
            put("model", "macs", 2**53 + 1),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.model.macs",
                expected="int <= 9007199254740992",
            ),
        ),
        (
            put("model", "macs", 10**3000),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.model.macs",
                expected="int <= 9007199254740992",
            ),
        ),
        (
            put("model", "macs", 1.5),
            Fault("bundle.manifest-wrong-type", path="$.model.macs", expected="int", found="float"),
        ),
        (
            put("model", "name", 7),
            Fault("bundle.manifest-wrong-type", path="$.model.name", expected="str", found="int"),
        ),
        (
            put("model", "name", "x" * 1001),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.model.name",
                expected="str of length <= 1000",
            ),
        ),
        (
            put("source", "checkpoint_sha256", "0" * 63),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.source.checkpoint_sha256",
                expected="str matching regex '^[0-9a-f]{64}$(?!\\\\n)'",
            ),
        ),
        (
            put("source", "checkpoint_sha256", "0" * 64 + "\n"),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.source.checkpoint_sha256",
                expected="str matching regex '^[0-9a-f]{64}$(?!\\\\n)'",
            ),
        ),
        (
            put("source", "packages", {"a b": "1"}),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.source.packages",
                expected="str matching regex '^[A-Za-z0-9_][A-Za-z0-9_.\\\\-]*$(?!\\\\n)'",
            ),
        ),
        (
            put("input", "height", 0),
            Fault("bundle.manifest-out-of-range", path="$.input.height", expected="int >= 1"),
        ),
        (put("input", "channel_order", "RGB"), Fault("preprocessing.invalid", name="mean")),
        (
            put("input", "std", [0.0]),
            Fault("bundle.manifest-out-of-range", path="$.input.std[0]", expected="float >= 1e-06"),
        ),
        (
            put("input", "crop_fraction", 0),
            Fault(
                "bundle.manifest-out-of-range", path="$.input.crop_fraction", expected="float > 0.0"
            ),
        ),
        (
            put("stages", []),
            Fault("bundle.manifest-out-of-range", path="$.stages", expected="array of length >= 1"),
        ),
        (
            put("stages", 1, "name", "a/b"),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].name",
                expected="str matching regex '^[A-Za-z0-9_][A-Za-z0-9_.\\\\-]*$(?!\\\\n)'",
            ),
        ),
        (
            put("stages", 1, "name", ".."),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].name",
                expected="str matching regex '^[A-Za-z0-9_][A-Za-z0-9_.\\\\-]*$(?!\\\\n)'",
            ),
        ),
        (
            put("stages", 1, "name", "step\n"),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].name",
                expected="str matching regex '^[A-Za-z0-9_][A-Za-z0-9_.\\\\-]*$(?!\\\\n)'",
            ),
        ),
        (put("stages", 1, "rule", "k", 4), Fault("routing.rule-invalid", name="k")),
        (
            put("stages", 1, "rule", "k", 0),
            Fault("bundle.manifest-out-of-range", path="$.stages[1].rule.k", expected="int >= 1"),
        ),
        (
            put("stages", 1, "rule", "experts", 4097),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].rule.experts",
                expected="int <= 4096",
            ),
        ),
        (
            put("stages", 1, "rule", "experts", 10**30),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].rule.experts",
                expected="int <= 4096",
            ),
        ),
        (
            put("stages", 1, "rule", "type", "top_q"),
            Fault(
                "bundle.unknown-rule",
                name="top_q",
                installed=["given", "threshold", "top_k", "top_p"],
            ),
        ),
        (
            put("targets", {}),
            Fault(
                "bundle.manifest-out-of-range", path="$.targets", expected="object of length >= 1"
            ),
        ),
        (
            put(*ONNX, "strategy", "../trace"),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].strategy",
                expected="str matching regex '^[a-z][a-z0-9_-]*$(?!\\\\n)'",
            ),
        ),
        (
            put(*ONNX, "batch", 0),
            Fault("bundle.manifest-out-of-range", path="$.targets[...].batch", expected="int >= 1"),
        ),
        (
            put(*ONNX, "graphs", []),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs",
                expected="array of length >= 1",
            ),
        ),
        (
            put(*ONNX, "files", []),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].files",
                expected="array of length >= 1",
            ),
        ),
        (
            put(*ONNX, "parity", "max_abs_error", -1.0),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].parity.max_abs_error",
                expected="float >= 0.0",
            ),
        ),
        (
            put(*GRAPH, "inputs", 0, "shape", [1] * 9),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs[1].inputs[0].shape",
                expected="array of length <= 8",
            ),
        ),
        (
            put(*GRAPH, "inputs", 0, "shape", [0]),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs[1].inputs[0].shape[0]",
                expected="int >= 1",
            ),
        ),
        (
            put(*GRAPH, "inputs", 0, "shape", [2**31]),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs[1].inputs[0].shape[0]",
                expected="int <= 2147483647",
            ),
        ),
        (
            put(*GRAPH, "inputs", 0, "dtype", "object"),
            Fault("bundle.manifest-out-of-range", path="$.targets[...].graphs[1].inputs[0].dtype"),
        ),
        (
            put(*GRAPH, "inputs", []),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs[1].inputs",
                expected="array of length >= 1",
            ),
        ),
        (
            put(*GRAPH, "weight_bytes", -1),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.targets[...].graphs[1].weight_bytes",
                expected="int >= 0",
            ),
        ),
    ],
)
def test_a_field_out_of_its_range_is_refused(plain, change, fault):
    content = plain()
    change(content)
    refused(content, fault)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ((*ONNX, "parity", "max_abs_error"), "bundle.manifest-out-of-range"),
        (("input", "mean", 0), "bundle.manifest-out-of-range"),
        (("model", "macs"), "bundle.manifest-wrong-type"),
    ],
)
@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e400"])
def test_a_number_beyond_every_range_is_refused(plain, number, path, fault):
    content = plain()
    put(*path, "HERE")(content)
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(content).replace('"HERE"', number).encode(), "the test")
    assert caught.value.code == fault


# What must hold among fields


def shares(*pairs):
    return [[{"route": list(route), "share": share} for route, share in pairs]]


@pytest.mark.parametrize(
    "change, fault",
    [
        (put("stages", 0, "rule", {"type": "top_k", "experts": 3}), "the stem without a rule"),
        (put("stages", 1, "rule", None), "the stem without a rule"),
        (lambda c: c["stages"].reverse(), "the stem without a rule"),
        (put("stages", 1, "name", "stem"), "the stage 'stem' is there 2 times"),
        (put("outputs", 0, "labels", ["a"]), "1 labels for the 4 classes of the output answer"),
        (put("outputs", 0, "labels", []), "0 labels for the 4 classes of the output answer"),
        (put("usage_prior", []), "the usage prior has 0 stages"),
        (put("usage_prior", [[], []]), "the usage prior has 2 stages"),
        (put("usage_prior", [[]]), "sum to 0.0"),
        (put("usage_prior", shares(((0,), 0.5))), "sum to 0.5"),
        (put("usage_prior", shares(((3,), 1.0))), r"has the route \[3\]"),
        (put("usage_prior", shares(((0, 1), 1.0))), r"has the route \[0, 1\]"),
        (put("usage_prior", shares(((0,), 0.5), ((0,), 0.5))), "names a route twice"),
        (
            put(*GRAPH, "route", [3]),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", [-1]),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", [0, 1]),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", []),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", None),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", [10**3000]),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (
            put(*GRAPH, "route", list(range(10**5))),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0]),
        ),
        (put(*GRAPH, "route", [1]), Fault("bundle.graphs-mismatch", target="onnx", stage="step1")),
        (
            put(*STEM, "route", [0]),
            Fault("bundle.graphs-mismatch", target="onnx", stage="stem", route=None),
        ),
        (put(*GRAPH, "stage", 2), Fault("bundle.graphs-mismatch", target="onnx")),
        (put(*GRAPH, "stage", 0), Fault("bundle.graphs-mismatch", target="onnx", stage="stem")),
        (put(*GRAPH, "name", "stage0"), "graph of target onnx 'stage0' is there 2 times"),
        (put(*GRAPH, "exclusive_bytes", 15), "more exclusive bytes than bytes"),
        (
            lambda c: c["targets"]["onnx"]["graphs"].pop(),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[2]),
        ),
        (
            lambda c: c["targets"]["onnx"]["graphs"].pop(0),
            Fault("bundle.graphs-mismatch", target="onnx", stage="stem", route=None),
        ),
        (
            put("stages", 1, "rule", "experts", 4096),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[3]),
        ),
        (
            put("stages", 1, "rule", {"type": "top_k", "experts": 4096, "k": 2048}),
            "the usage prior has the route",
        ),
        (
            put(*ONNX, "strategy", "gather"),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=None),
        ),
        (
            put(*ONNX, "strategy", "no-such"),
            Fault(
                "bundle.unknown-strategy",
                name="no-such",
                installed=["all-experts", "bind", "dispatch", "experts", "gather"],
            ),
        ),
        (
            put(*ONNX, "strategy", "contract"),
            Fault(
                "bundle.unknown-strategy",
                name="contract",
                installed=["all-experts", "bind", "dispatch", "experts", "gather"],
            ),
        ),
        (put(*ONNX, "batch", 2), Fault("bundle.tensors-mismatch", target="onnx")),
        (
            put(*GRAPH, "inputs", 0, "shape", [1, 5, 9]),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["tokens [1, 5, 9] float32", "gates [1, 1] float32"],
            ),
        ),
        (
            put(*GRAPH, "inputs", 0, "dtype", "float16"),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["tokens [1, 5, 8] float16", "gates [1, 1] float32"],
            ),
        ),
        (
            put(*GRAPH, "inputs", 1, "shape", [1, 2]),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["tokens [1, 5, 8] float32", "gates [1, 2] float32"],
            ),
        ),
        (
            put(*GRAPH, "inputs", 1, "name", "weights"),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["tokens [1, 5, 8] float32", "weights [1, 1] float32"],
            ),
        ),
        (
            lambda c: c["targets"]["onnx"]["graphs"][1]["inputs"].reverse(),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["gates [1, 1] float32", "tokens [1, 5, 8] float32"],
            ),
        ),
        (
            lambda c: c["targets"]["onnx"]["graphs"][1]["inputs"].pop(),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e0",
                expected=["tokens [1, 5, 8] float32", "gates [1, 1] float32"],
                found=["tokens [1, 5, 8] float32"],
            ),
        ),
        (
            put(*GRAPH, "outputs", 0, "shape", [1, 5]),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage1_e1",
                expected=["answer [1, 5] float32"],
                found=["answer [1, 4] float32"],
            ),
        ),
        (
            put(*GRAPH, "outputs", 0, "shape", []),
            Fault("bundle.tensors-mismatch", target="onnx"),
        ),
        (
            put(*GRAPH, "outputs", 0, "dtype", "int64"),
            Fault("bundle.tensors-mismatch", target="onnx"),
        ),
        (
            put(*STEM, "inputs", 0, "shape", [1, 3, 6, 6]),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage0",
                expected=["image [1, 1, 6, 6] float32"],
                found=["image [1, 3, 6, 6] float32"],
            ),
        ),
        (
            put(*STEM, "outputs", 0, "name", "features"),
            Fault("bundle.tensors-mismatch", target="onnx"),
        ),
        (
            put(*STEM, "outputs", 0, "dtype", "int64"),
            Fault("bundle.tensors-mismatch", target="onnx"),
        ),
        (put(*STEM, "outputs", 0, "shape", [1]), Fault("bundle.tensors-mismatch", target="onnx")),
        (
            put(*STEM, "outputs", 0, "shape", [1, 2**31 - 1, 9]),
            Fault("bundle.too-large", limit=268435456),
        ),
        (
            put(*STEM, "outputs", 1, "shape", [1, 4]),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage0",
                expected=["tokens [1, 5, 8] float32", "logits [1, 3] float32"],
                found=["tokens [1, 5, 8] float32", "logits [1, 4] float32"],
            ),
        ),
        (
            put("input", "height", 7),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage0",
                expected=["image [1, 1, 7, 6] float32"],
                found=["image [1, 1, 6, 6] float32"],
            ),
        ),
        (
            put("stages", 1, "takes", "tokens", "stem.features"),
            Fault("bundle.tensor-unknown", stage="step1", tensor="stem.features"),
        ),
        (
            put("stages", 1, "takes", "tokens", "step1.answer"),
            Fault("bundle.tensor-unknown", stage="step1", tensor="step1.answer"),
        ),
        (
            put("stages", 1, "router", "step1.answer"),
            Fault("bundle.tensor-unknown", stage="step1", tensor="step1.answer"),
        ),
        (
            put("stages", 1, "router", "image"),
            Fault("bundle.tensor-unknown", stage="step1", tensor="image"),
        ),
        (
            put("stages", 1, "router", "stem.tokens"),
            Fault(
                "bundle.tensors-mismatch",
                target="onnx",
                graph="stage0",
                expected=["tokens [1, 3] float32", "logits [1, 3] float32"],
                found=["tokens [1, 5, 8] float32", "logits [1, 3] float32"],
            ),
        ),
        (
            put("stages", 1, "gives", "answer", "stem.tokens"),
            Fault("bundle.tensor-given-twice", stage="step1", tensor="stem.tokens"),
        ),
        (
            put("stages", 0, "gives", "tokens", "image"),
            Fault("bundle.tensor-given-twice", stage="stem", tensor="image"),
        ),
        (
            put("stages", 0, "gives", {"tokens": "one", "logits": "one"}),
            Fault("bundle.tensor-given-twice", stage="stem", tensor="one"),
        ),
        (
            put("stages", 0, "gives", "more", "stem.more"),
            Fault("bundle.tensors-mismatch", target="onnx"),
        ),
        (put("stages", 0, "takes", {"images": "image"}), "the stem takes .*'images'"),
        (put("stages", 1, "router", None), "must have a rule and the tensor of its router"),
        (put("stages", 0, "router", "image"), "must have a rule and the tensor of its router"),
        (
            put("stages", 1, "gives", {"result": "step1.result"}),
            Fault("bundle.tensor-unknown", output="answer", tensor="step1.answer"),
        ),
        (
            put("outputs", 0, "tensors", ["step1.answer", "stem.tokens"]),
            "are not of one stage after another",
        ),
        (
            put("outputs", 0, "tensors", ["step1.answer", "step1.answer"]),
            "are not of one stage after another",
        ),
        (
            put("outputs", 0, "tensors", ["image"]),
            Fault("bundle.tensor-unknown", output="answer", tensor="image"),
        ),
        (
            put("outputs", 0, "tensors", ["stem.tokens", "step1.answer"]),
            Fault("bundle.output-shape", output="answer", kind="logits", found=[5, 8]),
        ),
        (
            put("outputs", 0, "tensors", ["stem.tokens"]),
            Fault("bundle.output-shape", output="answer", kind="logits", found=[5, 8]),
        ),
        (
            put("outputs", 0, "kind", "mask"),
            Fault("bundle.output-shape", output="answer", kind="mask", found=[4]),
        ),
        (put("outputs", 0, "kind", "embedding"), "4 labels for the no classes"),
        (
            put("outputs", 0, "kind", "of-nobody"),
            Fault("bundle.unknown-kind", name="of-nobody", installed=part_lookup.names("outputs")),
        ),
        (lambda c: c["outputs"].append(c["outputs"][0]), "the output 'answer' is there 2 times"),
        (
            put("stages", 1, "finishes", [[0]]),
            Fault("bundle.output-missing", output="answer", stage=1),
        ),
        (finishing([[0]]), Fault("bundle.graphs-mismatch", target="onnx", stage="step1")),
        (finishing([[3]]), Fault("bundle.finishes-invalid", stage="step1")),
        (finishing([[0], [1], [2]]), Fault("bundle.finishes-invalid", stage="step1")),
        (finishing([[1], [1]]), Fault("bundle.finishes-invalid", stage="step1")),
        (put("stages", 0, "finishes", [[0]]), Fault("bundle.finishes-invalid", stage="stem")),
        (put("stages", 1, "gives", {"tokens": "step1.tokens"}), "under one name"),
        (put("golden", "images", 10_000), None),
        (put(*ONNX, "precision", "of-another-release"), None),
    ],
)
def test_fields_that_contradict_each_other_are_refused(plain, change, fault):
    content = plain()
    change(content)
    if fault is None:
        parse_manifest(json.dumps(content).encode(), "the test")
    else:
        refused(content, fault)


def name_path(content, where, path):
    """Put a path into one of the places of a manifest that hold one."""
    target = content["targets"]["onnx"]
    if where == "golden":
        content["golden"]["file"]["path"] = path
    if where == "file":
        target["files"][0]["path"] = path
    if where == "weights":
        target["weights"] = path
    if where == "graph":
        target["graphs"][0]["file"] = path


PLACES = {
    "golden": "$.golden.file.path",
    "file": "$.targets[...].files[0].path",
    "weights": "$.targets[...].weights",
    "graph": "$.targets[...].graphs[0].file",
}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../x", "a/..", "..", ".", "./x", "a//b", "a/", "a/./b"],
)
@pytest.mark.parametrize("where", PLACES)
def test_a_path_that_could_leave_the_bundle_is_refused(plain, path, where):
    content = plain()
    name_path(content, where, path)
    refused(content, Fault("bundle.path-outside", path=path))


@pytest.mark.parametrize(
    "path", ["", "a\\b", "C:/x", "a b", "a\n", "a\0b", "ä", "~/x:y", "a" * 501]
)
@pytest.mark.parametrize("where", PLACES)
def test_a_path_that_not_every_system_has_is_refused(plain, path, where):
    content = plain()
    name_path(content, where, path)
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(content).encode(), "the test")
    assert caught.value.code == "bundle.manifest-out-of-range"
    assert caught.value.fields["path"] == PLACES[where]


@pytest.mark.parametrize(
    "change, fault",
    [
        (put(*GRAPH, "file", "onnx/other.onnx"), "uses onnx/other.onnx, which its list of files"),
        (put(*ONNX, "weights", "onnx/other.bin"), "uses onnx/other.bin, which its list of files"),
        (put(*ONNX, "files", 1, "path", "onnx/stage0.onnx"), "lists a file twice|lacks"),
        (put("golden", "file", "path", "onnx/stage0.onnx"), "'onnx/stage0.onnx' is there 2 times"),
        (put("golden", "file", "path", "ONNX/Stage0.onnx"), "'onnx/stage0.onnx' is there 2 times"),
    ],
)
def test_files_that_are_not_told_apart_are_refused(plain, change, fault):
    content = plain()
    change(content)
    refused(content, fault)


def test_two_targets_may_share_a_file_of_one_content(plain):
    content = plain()
    content["targets"]["onnx2"] = content["targets"]["onnx"]
    parse_manifest(json.dumps(content).encode(), "the test")
    other = json.loads(json.dumps(content["targets"]["onnx"]))
    other["files"][0]["sha256"] = "1" * 64
    content["targets"]["onnx2"] = other
    refused(content, "is there 2 times")


def test_golden_vectors_that_no_reader_could_hold_are_refused(plain):
    content = plain()
    content["golden"]["images"] = 10_000
    content["input"].update(height=8192, width=8192)
    stem = content["targets"]["onnx"]["graphs"][0]
    stem["inputs"][0]["shape"] = [1, 1, 8192, 8192]
    refused(content, Fault("bundle.too-large", limit=2**28))


@pytest.mark.parametrize("strategy", ["dispatch", "experts", "gather", "all-experts"])
@pytest.mark.parametrize(
    "rules",
    [
        (),
        (TopK(experts=1),),
        (TopK(experts=4, k=2),),
        (TopK(experts=3), TopK(experts=4, k=3, renormalize=True)),
    ],
    ids=["dense", "one expert", "two of four", "two stages"],
)
def test_every_strategy_and_number_of_stages_is_accepted(make_bundle, rules, strategy):
    root = make_bundle(rules, (strategy,))
    manifest = parse_manifest((root / "manifest.json").read_bytes(), "the test")
    assert manifest.rules == tuple(rules)


def large_manifest(plain, experts):
    """A manifest with a graph for each pair of experts."""
    content = plain()
    target = content["targets"]["onnx"]
    stem, routed = target["graphs"][:2]
    stem["outputs"][1]["shape"] = [1, experts]
    routed["inputs"][1]["shape"] = [1, 2]
    pairs = [[a, b] for a in range(experts) for b in range(a + 1, experts)]
    graphs = [{**routed, "name": f"e{a}_{b}", "route": [a, b]} for a, b in pairs]
    # The stem at the end: every search for it from the front would be as long as the list.
    target["graphs"] = [*graphs, stem]
    content["stages"][1]["rule"] = {"type": "top_k", "experts": experts, "k": 2}
    content["usage_prior"] = None
    return content, len(pairs)


def test_a_manifest_of_thousands_of_graphs_takes_work_in_proportion(plain):
    """Function calls are counted: four times the graphs may not take sixteen times the work."""

    def calls_for(experts):
        content, graphs = large_manifest(plain, experts)
        data, calls = json.dumps(content).encode(), 0

        def count(_frame, event, _argument):
            nonlocal calls
            calls += event == "call"

        sys.setprofile(count)
        try:
            parse_manifest(data, "the test")
        finally:
            sys.setprofile(None)
        return calls, graphs

    few, few_graphs = calls_for(16)
    many, many_graphs = calls_for(64)
    assert many_graphs == 2016
    assert many < 1.5 * few * many_graphs / few_graphs


def test_an_astronomic_number_of_routes_is_refused_in_one_sentence(plain):
    content = plain()
    content["usage_prior"] = None
    content["stages"][1]["rule"] = {"type": "top_k", "experts": 4096, "k": 2048}
    content["targets"]["onnx"]["graphs"][1]["route"] = list(range(2048))
    content["targets"]["onnx"]["graphs"] = content["targets"]["onnx"]["graphs"][:2]
    wrong = {"target": "onnx", "stage": "step1", "route": list(range(16))}
    refused(content, Fault("bundle.graphs-mismatch", **wrong))


# Any damage


def nodes(value, path=()):
    """The paths of all nodes of plain data."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in items:
        yield from nodes(child, (*path, key))


REPLACEMENTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 2, 3, -1, 2**31, 2**63, 10**400, 0.5, 1e308, -1e-308]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["onnx/stage0.onnx", "..", "gather", "all-experts", "float16", "tokens"]),
    st.lists(st.integers(-1, 4), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_node_can_be_deleted_or_replaced_without_another_error(plain, data):
    content = plain()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in nodes(content) if path] or [()]))
        if not path:
            break
        parent = content
        for key in path[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = data.draw(REPLACEMENTS)
    try:
        manifest = parse_manifest(json.dumps(content).encode(), "the test")
    except BundleError as error:
        assert len(str(error)) < MOST_CHARACTERS
    else:
        assert isinstance(manifest, Manifest)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_byte_can_be_altered_without_another_error(plain, places):
    data = bytearray(json.dumps(plain()).encode())
    for place, value in places:
        data[int(place * len(data))] = value
    try:
        parse_manifest(bytes(data), "the test")
    except BundleError as error:
        assert "\n" not in str(error)


# The schema


def test_the_published_schema_is_the_one_of_the_code():
    message = "run: python -m mvmoe_deploy.bundle.schema > docs/manifest.schema.json"
    assert PUBLISHED.read_text() == schema_text(), message


def test_the_command_prints_the_schema():
    result = subprocess.run(
        [sys.executable, "-m", "mvmoe_deploy.bundle.schema"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == schema_text()
    assert result.stderr == ""


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_valid_manifest_passes_the_schema(plain, validator, make_bundle):
    validator.validate(plain())
    two = (TopK(experts=2), TopK(experts=3, k=2))
    root = make_bundle(two, ("dispatch", "gather", "all-experts"))
    validator.validate(json.loads((root / "manifest.json").read_text()))


@pytest.mark.parametrize(
    "change",
    [
        put("extra", 1),
        put(*GRAPH, "extra", 1),
        lambda c: c.pop("golden"),
        put("version", 1),
        put("format", "other"),
        put("outputs", 0, "labels", [1]),
        put("input", "height", 0),
        put("input", "std", [0.0]),
        put("stages", 1, "rule", "k", 0),
        put("stages", 1, "rule", "type", "top_q"),
        put("stages", 1, "name", "a/b"),
        put("stages", 1, "name", "a\n"),
        put(*ONNX, "files", 0, "path", "a\\b"),
        put(*ONNX, "files", 0, "sha256", "0" * 63),
        put("targets", {}),
        put(*GRAPH, "inputs", []),
    ],
)
def test_an_invalid_manifest_fails_the_schema(plain, validator, change):
    content = plain()
    change(content)
    assert not validator.is_valid(content)
