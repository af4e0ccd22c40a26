"""Routes that the caller gives, in a manifest: what is read, and what is refused."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from mvmoe_deploy.bundle.golden import check_vectors, logits_in
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError, Fault
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.top_k import TopK

TASKS = {"depth": [0], "edges": [1], "segment": [2]}
RULE = {"type": "given", "experts": 3, "choice": "task", "routes": TASKS, "otherwise": None}
ROUTER = {"type": "top_k", "experts": 3, "k": 1, "renormalize": False}


PUBLISHED = Path(__file__).parents[2] / "docs" / "manifest.schema.json"


def put(*path_and_value):
    """A change of the routed stage's record."""

    def change(content):
        *path, last, value = path_and_value
        place = content["stages"][1]
        for key in path:
            place = place[key]
        place[last] = value

    return change


def refused(content, fault):
    """A fault that is a text is what the sentence says of fields that contradict each other."""
    with pytest.raises(BundleError) as caught:
        parsed(content)
    if isinstance(fault, str):
        assert caught.value.code == "bundle.manifest-inconsistent"
        assert re.search(fault, str(caught.value))
    else:
        assert (caught.value.code, caught.value.fields) == (fault.code, fault.fields)


def parsed(content):
    return parse_manifest(json.dumps(content).encode(), "the test")


def by_caller(content, rule=RULE):
    content["stages"][1] |= {"rule": rule, "router": None}
    content["usage_prior"] = None
    return content


def test_a_stage_that_the_caller_routes_has_no_router(plain):
    manifest = parsed(by_caller(plain()))
    assert manifest.rules == (
        Given(experts=3, choice="task", named={name: tuple(r) for name, r in TASKS.items()}),
    )
    assert manifest.stages[1].router is None


def test_a_router_may_decide_otherwise(plain):
    content = plain()
    content["stages"][1]["rule"] = {**RULE, "otherwise": ROUTER}
    assert parsed(content).rules[0].otherwise == TopK(experts=3)


def test_two_names_may_have_one_route(plain):
    rule = {**RULE, "routes": {**TASKS, "depth_again": [0]}}
    assert parsed(by_caller(plain(), rule)).rules[0].count() == 3


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("router", "stem.logits"), "every route to the caller"),
        (put("rule", "otherwise", ROUTER), "must have a rule and the tensor"),
        (
            put("rule", "routes", {"depth": [0]}),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1"),
        ),
        (
            put("rule", "routes", {**TASKS, "all": [0, 1, 2]}),
            Fault("bundle.graphs-mismatch", target="onnx", stage="step1", route=[0, 1, 2]),
        ),
        (
            put("rule", "routes", {}),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].rule.routes",
                expected="object of length >= 1",
            ),
        ),
        (
            put("rule", "routes", {**TASKS, "": [0]}),
            Fault(
                "bundle.manifest-out-of-range",
                path="$.stages[1].rule.routes",
                expected="str of length >= 1",
            ),
        ),
        (put("rule", "routes", {**TASKS, "a": [3]}), Fault("routing.rule-invalid")),
        (put("rule", "otherwise", RULE), Fault("routing.rule-invalid")),
        (
            put("rule", "otherwise", {**ROUTER, "z": 1}),
            Fault(
                "bundle.manifest-unknown-field",
                path="$.stages[1].rule.otherwise",
                name="z",
            ),
        ),
        (
            put("rule", "otherwise", {**ROUTER, "type": "top_q"}),
            Fault(
                "bundle.unknown-rule",
                name="top_q",
                installed=["given", "threshold", "top_k", "top_p"],
            ),
        ),
    ],
)
def test_what_nobody_could_follow_is_refused(plain, change, fault):
    content = by_caller(plain(), json.loads(json.dumps(RULE)))
    change(content)
    refused(content, fault)


@pytest.mark.parametrize("name", ["\x1b[2J", "a\n", "a b", "\u202e", "é", "x" * 201])
def test_a_name_that_a_terminal_would_obey_is_refused(plain, name):
    with pytest.raises(BundleError, check=lambda e: e.code == "bundle.manifest-out-of-range"):
        parsed(by_caller(plain(), {**RULE, "routes": {name: [0]}}))


def test_golden_vectors_have_no_logits_of_a_stage_without_a_router(plain):
    manifest = parsed(by_caller(plain()))
    images = manifest.golden.images
    vectors = {
        "image": np.zeros((images, *manifest.input.shape), np.float32),
        "members.1": np.eye(3, dtype=bool)[:images],
        "gates.1": np.eye(3, dtype=np.float32)[:images],
        "outputs.answer": np.zeros((images, 4), np.float32),
    }
    check_vectors(vectors, manifest, "the test")
    assert logits_in(vectors, 1).shape == (images, 0)
    with pytest.raises(BundleError, check=lambda error: error.fields == {"vector": "logits.1"}):
        check_vectors(
            {**vectors, "logits.1": np.zeros((images, 3), np.float32)}, manifest, "the test"
        )


def test_the_schema_knows_given_routes(plain):
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    validator.validate(by_caller(plain()))
    validator.validate(by_caller(plain(), {**RULE, "otherwise": ROUTER}))
    for wrong in (
        {**RULE, "routes": {}},
        {**RULE, "routes": {"": [0]}},
        {**RULE, "otherwise": RULE},
    ):
        assert not validator.is_valid(by_caller(plain(), wrong))
