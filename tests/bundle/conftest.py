"""A small, valid bundle without any engine: its graphs are a few bytes each."""

import copy
import itertools
import json

import msgspec
import numpy as np
import pytest

from mvmoe_deploy.bundle.manifest import (
    FORMAT,
    VERSION,
    Graph,
    Manifest,
    Model,
    Output,
    Parity,
    Source,
    Stage,
    Target,
    TensorSpec,
)
from mvmoe_deploy.bundle.write import describe_files, write_golden, write_manifest
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.top_k import TopK

TOKENS, CLASSES, IMAGES = (1, 5, 8), 4, 3
ONE_OF_THREE = (TopK(experts=3),)
INPUT = Preprocessing(height=6, width=6, channel_order="L", mean=(0.5,), std=(0.25,))


def spec(name, shape, dtype="float32"):
    return TensorSpec(name=name, shape=shape, dtype=dtype)


def interface(rules, stage, strategy, folder, route=None):
    """Inputs and outputs of the graphs of a stage."""
    tokens = spec("tokens", TOKENS)
    if strategy == "experts" and stage > 0 and route is not None:
        return {"inputs": (tokens,), "outputs": (spec("output", TOKENS),)}
    inputs = [spec("image", (1, *INPUT.shape))]
    if stage > 0:
        rule = rules[stage - 1]
        width = rule.experts if strategy == "all-experts" else rule.k
        inputs = [tokens, spec("gates", (1, width))]
        if strategy == "experts":
            slots = [spec(f"slot{slot}_output", TOKENS) for slot in range(rule.k)]
            inputs = [tokens, *slots, spec("gates", (1, rule.k))]
        if strategy == "gather":
            inputs.append(spec("experts", (1, rule.k), "int32" if folder == "coreml" else "int64"))
    outputs = [spec("answer", (1, CLASSES))]
    if stage < len(rules):
        tokens = "next_tokens" if stage else "tokens"
        outputs = [spec(tokens, TOKENS), spec("logits", (1, rules[stage].experts))]
    return {"inputs": tuple(inputs), "outputs": tuple(outputs)}


def stage_record(rules, index):
    """A stage as the manifest describes it: tokens and logits go to the next one."""
    name, before = (f"step{index}", f"step{index - 1}" if index > 1 else "stem")
    name = name if index else "stem"
    gives = {"answer": f"{name}.answer"}
    if index < len(rules):
        gives = {"next_tokens" if index else "tokens": f"{name}.tokens", "logits": f"{name}.logits"}
    return Stage(
        name=name,
        rule=rules[index - 1] if index else None,
        router=f"{before}.logits" if index else None,
        takes={"tokens": f"{before}.tokens"} if index else {"image": "image"},
        gives=gives,
    )


def routes_of(rules, stage, strategy):
    if stage and strategy == "experts":
        return [*((expert,) for expert in range(rules[stage - 1].experts)), None]
    if stage == 0 or strategy != "dispatch":
        return [None]
    return itertools.combinations(range(rules[stage - 1].experts), rules[stage - 1].k)


def make_target(root, folder, rules, strategy):
    """Write the files of one target and describe it."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / "weights.bin").write_bytes(b"shared weights")
    graphs = []
    for stage in range(len(rules) + 1):
        for route in routes_of(rules, stage, strategy):
            name = f"stage{stage}" + "".join(f"_e{expert}" for expert in route or ())
            (root / folder / f"{name}.onnx").write_bytes(name.encode())
            graphs.append(
                Graph(
                    name=name,
                    stage=stage,
                    route=route,
                    file=f"{folder}/{name}.onnx",
                    weight_bytes=14,
                    exclusive_bytes=2,
                    **interface(rules, stage, strategy, folder, route),
                )
            )
    return Target(
        format=folder,
        strategy=strategy,
        precision="fp32",
        batch=1,
        graphs=tuple(graphs),
        weights=f"{folder}/weights.bin",
        files=describe_files(root, (root / folder).iterdir()),
        parity=Parity(graphs=len(graphs), max_abs_error=1e-6, tolerance=1e-4),
    )


def golden_vectors(rules, seed=0):
    rng = np.random.default_rng(seed)
    vectors = {"image": rng.normal(size=(IMAGES, *INPUT.shape)).astype(np.float32)}
    for stage, rule in enumerate(rules, start=1):
        logits = rng.normal(size=(IMAGES, rule.experts)).astype(np.float32)
        members, gates = rule.select(logits)
        vectors |= {f"logits.{stage}": logits, f"members.{stage}": members}
        vectors[f"gates.{stage}"] = gates
    return {**vectors, "outputs.answer": rng.normal(size=(IMAGES, CLASSES)).astype(np.float32)}


def uniform_prior(rules):
    stages = []
    for rule in rules:
        routes = list(rule.routes())
        stages.append(tuple(RouteShare(route, 1 / len(routes)) for route in routes))
    return tuple(stages)


def describe(root, rules=ONE_OF_THREE, strategies=("dispatch",)):
    """Write all files of a bundle but its manifest, and give that."""
    folders = ["onnx", "coreml", "executorch"]
    targets = {
        folder: make_target(root, folder, rules, strategy)
        for folder, strategy in zip(folders, strategies, strict=False)
    }
    stages = [stage_record(rules, index) for index in range(len(rules) + 1)]
    return Manifest(
        format=FORMAT,
        version=VERSION,
        model=Model(family="f", name="tiny", params_total=30, params_active=20, macs=100),
        source=Source(checkpoint_sha256="0" * 64, packages={"torch": "2.13.0+cpu"}),
        input=INPUT,
        stages=tuple(stages),
        outputs=(
            Output(
                name="answer",
                kind="logits",
                tensors=(f"{stages[-1].name}.answer",),
                labels=("a", "b", "ç", "日本"),
            ),
        ),
        targets=targets,
        usage_prior=uniform_prior(rules) if rules else None,
        golden=write_golden(root, golden_vectors(rules)),
    )


@pytest.fixture
def make_bundle(tmp_path):
    """Writes a valid bundle with the caller's routing rules and strategies; gives its path."""

    def make(rules=ONE_OF_THREE, strategies=("dispatch",), name="bundle"):
        root = tmp_path / name
        root.mkdir()
        write_manifest(root, describe(root, tuple(rules), strategies))
        return root

    return make


@pytest.fixture
def bundle(make_bundle):
    """The path of a valid bundle of one routed stage with three experts."""
    return make_bundle()


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """A valid manifest as plain data, fresh for each caller."""
    root = tmp_path_factory.mktemp("plain")
    text = msgspec.json.encode(describe(root))
    return lambda: copy.deepcopy(json.loads(text))


@pytest.fixture
def rewrite(bundle):
    """Replaces the manifest of `bundle` by what `change` makes of its plain data."""

    def write(change):
        file = bundle / "manifest.json"
        content = json.loads(file.read_text())
        result = change(content)
        file.write_text(json.dumps(content if result is None else result))
        return bundle

    return write
