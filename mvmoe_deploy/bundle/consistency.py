"""What must hold among the fields of a manifest, beyond what each says alone.

Every check raises BundleError with one sentence; `check` runs them all.
"""

import math
from collections import Counter
from collections.abc import Iterable

from mvmoe_deploy.bundle.manifest import Graph, Manifest, Target, TensorSpec
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.routing import Route, RoutingRule

_MAX_ELEMENTS = 2**28
"""Elements of one tensor: a manifest may not ask for a buffer of gigabytes."""


def check(manifest: Manifest) -> None:
    """Run every check; raises BundleError at the first that fails."""
    _check_stages(manifest)
    _check_labels(manifest)
    _check_prior(manifest)
    _check_path(manifest.golden.file.path)
    for name, target in manifest.targets.items():
        _check_files(name, target)
        _check_graphs(name, target, manifest)


def _check_stages(manifest: Manifest) -> None:
    """The stem has no rule, every stage after it has one; names are distinct."""
    routed = [stage.rule is not None for stage in manifest.stages]
    _require(
        routed == [False] + [True] * (len(routed) - 1),
        "the stages must be the stem without a rule and then routed steps with one",
    )
    _require_distinct([stage.name for stage in manifest.stages], "stage")


def _check_labels(manifest: Manifest) -> None:
    """As many labels as classes."""
    labels, classes = manifest.labels, _classes(manifest)
    _require(
        labels is None or len(labels) == classes,
        f"there are {len(labels or ())} labels for an answer of {classes} classes",
    )


def _check_prior(manifest: Manifest) -> None:
    """The usage prior names existing routes once and its shares sum to 1 in every stage."""
    if manifest.usage_prior is None:
        return
    _require(
        len(manifest.usage_prior) == len(manifest.rules),
        f"the usage prior has {len(manifest.usage_prior)} stages instead of {len(manifest.rules)}",
    )
    for shares, rule in zip(manifest.usage_prior, manifest.rules, strict=True):
        for item in shares:
            _check_route(item.route, rule, "the usage prior")
        _require_distinct([item.route for item in shares], "route of the usage prior")
        total = sum(item.share for item in shares)
        _require(abs(total - 1) < 1e-3, f"the usage prior sums to {total:.4f} instead of 1")


def _check_files(name: str, target: Target) -> None:
    """File paths are safe and distinct, and every graph's file is among them."""
    paths = [file.path for file in target.files]
    for path in paths:
        _check_path(path)
    _require_distinct(paths, f"file of target {name}")
    used = {graph.file for graph in target.graphs} | {target.weights or paths[0]}
    if missing := sorted(used - set(paths)):
        raise BundleError(f"target {name} uses {missing[0]}, which its list of files lacks")


def _check_graphs(name: str, target: Target, manifest: Manifest) -> None:
    """Every stage has the graphs of the target's strategy, with tensors that fit together."""
    _require_distinct([graph.name for graph in target.graphs], f"graph of target {name}")
    for graph in target.graphs:
        where = f"graph {graph.name} of target {name}"
        _require(graph.stage < len(manifest.stages), f"{where} is of a stage that does not exist")
        rule = manifest.stages[graph.stage].rule
        if target.strategy == "dispatch" and rule is not None:
            _check_route(graph.route or (), rule, where)
        else:
            _require(graph.route is None, f"{where} has a route, which its stage cannot have")
        _check_tensors(graph, target, manifest, where)
    _check_complete(name, target, manifest)


def _check_complete(name: str, target: Target, manifest: Manifest) -> None:
    """No route is without a graph, and none has two."""
    for index, stage in enumerate(manifest.stages):
        routes = [graph.route for graph in target.graphs if graph.stage == index]
        rule = stage.rule
        per_route = target.strategy == "dispatch" and rule is not None
        expected = math.comb(rule.experts, rule.k) if per_route else 1
        _require(
            len(routes) == len(set(routes)) == expected,
            f"target {name} has {len(set(routes))} distinct graphs for stage {stage.name}, which "
            f"needs {expected}",
        )


def _check_tensors(graph: Graph, target: Target, manifest: Manifest, where: str) -> None:
    """Names, types and shapes of a graph are those of its stage."""
    for tensor in (*graph.inputs, *graph.outputs):
        _require(
            math.prod(tensor.shape) <= _MAX_ELEMENTS,
            f"{where} has the tensor {tensor.name} of shape {list(tensor.shape)}, which is too "
            f"large (at most {_MAX_ELEMENTS} elements)",
        )
    expected_inputs = _expected_inputs(graph, target, manifest)
    _require_tensors(graph.inputs, expected_inputs, f"{where} takes")
    last = graph.stage == len(manifest.stages) - 1
    if last:
        answer = (target.batch, _classes(manifest))
        expected = {"answer": (answer, "float32")}
    else:
        next_rule = manifest.stages[graph.stage + 1].rule
        tokens = _tokens_after(graph.stage, target)
        expected = {
            "tokens": (tokens.shape, tokens.dtype),
            "logits": ((target.batch, next_rule.experts), "float32"),
        }
    _require_tensors(graph.outputs, expected, f"{where} gives")


_Expected = dict[str, tuple[tuple[int, ...], str]]


def _expected_inputs(graph: Graph, target: Target, manifest: Manifest) -> _Expected:
    """Name to shape and type of the inputs that a graph must have."""
    if graph.stage == 0:
        return {"image": ((target.batch, *manifest.input.shape), "float32")}
    rule = manifest.stages[graph.stage].rule
    tokens = _tokens_after(graph.stage - 1, target)
    width = rule.experts if target.strategy == "all-experts" else rule.k
    inputs: _Expected = {
        "tokens": (tokens.shape, tokens.dtype),
        "gates": ((target.batch, width), "float32"),
    }
    if target.strategy == "gather":
        inputs["experts"] = ((target.batch, rule.k), "int64")
    return inputs


def _tokens_after(stage: int, target: Target) -> TensorSpec:
    """The tokens that the graphs of a stage give, as its first graph says."""
    for graph in target.graphs:
        if graph.stage == stage:
            for tensor in graph.outputs:
                if tensor.name == "tokens":
                    _require(
                        len(tensor.shape) >= 2 and tensor.shape[0] == target.batch,
                        f"graph {graph.name} gives tokens of shape {list(tensor.shape)}, whose "
                        f"first size must be the batch {target.batch}",
                    )
                    return tensor
    raise BundleError(f"the manifest is inconsistent: no graph of stage {stage} gives tokens")


def _classes(manifest: Manifest) -> int:
    """Classes of the answer, as the first graph of the last stage says."""
    last = len(manifest.stages) - 1
    for target in manifest.targets.values():
        for graph in target.graphs:
            if graph.stage == last and graph.outputs[0].shape:
                return graph.outputs[0].shape[-1]
    raise BundleError("the manifest is inconsistent: no graph gives the answer")


def _check_route(route: Route, rule: RoutingRule, where: str) -> None:
    """A route is k distinct, existing experts in ascending order."""
    ascending = list(route) == sorted(set(route))
    _require(
        ascending and len(route) == rule.k and all(0 <= e < rule.experts for e in route),
        f"{where} has the route {list(route)}; expected {rule.k} ascending experts of 0 to "
        f"{rule.experts - 1}",
    )


def _check_path(path: str) -> None:
    """A path stays inside the bundle: relative, no empty part, no `.` or `..`."""
    parts = path.split("/")
    _require(
        not path.startswith("/") and not {"", ".", ".."} & set(parts),
        f"the path {path!r} must be relative and stay inside the bundle",
    )


def _require_tensors(tensors: tuple[TensorSpec, ...], expected: _Expected, where: str) -> None:
    """Compare tensors with what is expected of them, order included."""
    given = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
    _require(
        list(given.items()) == list(expected.items()) and len(given) == len(tensors),
        f"{where} {_describe(given)} where {_describe(expected)} is expected",
    )


def _describe(tensors: _Expected) -> str:
    return ", ".join(f"{name} {list(shape)} {dtype}" for name, (shape, dtype) in tensors.items())


def _require_distinct(items: Iterable[object], what: str) -> None:
    """Refuse a name that is there twice."""
    item, times = Counter(items).most_common(1)[0] if items else (None, 0)
    _require(times <= 1, f"the {what} {item!r} is there {times} times")


def _require(holds: bool, sentence: str) -> None:
    """Raise BundleError in this module's one form unless `holds`."""
    if not holds:
        raise BundleError(f"the manifest is inconsistent: {sentence}")
