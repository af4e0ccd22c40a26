"""What must hold among the fields of a manifest, beyond what each says alone.

Every check raises BundleError with one sentence; `check` runs them all. A manifest may be hostile:
each check takes time proportional to the manifest's size.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mvmoe_deploy.bundle.manifest import File, Graph, Manifest, Stage, Strategy, Target, TensorSpec
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.routing import Rule, check_usage_prior, require_route

MAX_ELEMENTS = 2**28
"""Elements of one tensor: a manifest may not ask for a buffer of gigabytes."""

MAX_BUFFER_BYTES = 2**32
"""Bytes of all tensors of a target: each call in flight has a buffer for every one of them."""

MAX_GOLDEN_BYTES = 2**31
"""Bytes of all golden vectors: they are read at once."""

_ITEM_BYTES = {"float32": 4, "float16": 2, "int64": 8, "int32": 4}


def check(manifest: Manifest) -> None:
    """Run every check; raises BundleError at the first that fails."""
    _check_stages(manifest.stages)
    _check_prior(manifest)
    _check_files(manifest)
    classes = classes_of(manifest)
    _check_labels(manifest, classes)
    _check_golden(manifest, classes)
    for name, target in manifest.targets.items():
        _check_graphs(name, target, manifest.stages)
        _check_expert_sizes(name, target, manifest.rules)
        _check_tensors(name, target, manifest, classes)


def classes_of(manifest: Manifest) -> int:
    """Classes of the answer, as the first graph of the last stage says; raises BundleError."""
    last = len(manifest.stages) - 1
    for target in manifest.targets.values():
        for graph in target.graphs:
            if graph.stage == last and graph.outputs[0].shape:
                return graph.outputs[0].shape[-1]
    raise _inconsistent("no graph gives the answer")


def _check_stages(stages: tuple[Stage, ...]) -> None:
    """The stem has no rule, every stage after it has one; names are distinct."""
    routed = [stage.rule is not None for stage in stages]
    _require(
        routed == [False] + [True] * (len(routed) - 1),
        "the stages must be the stem without a rule and then routed steps with one",
    )
    _require_distinct((stage.name for stage in stages), "stage")


def _check_labels(manifest: Manifest, classes: int) -> None:
    """As many labels as classes."""
    labels = manifest.labels
    _require(
        labels is None or len(labels) == classes,
        f"there are {len(labels or ())} labels for an answer of {classes} classes",
    )


def _check_golden(manifest: Manifest, classes: int) -> None:
    """The golden vectors are small enough to be read at once."""
    images = manifest.golden.images
    vectors = {
        "image": _Tensor((images, *manifest.input.shape), "float32"),
        "answer": _Tensor((images, classes), "float32"),
    }
    _require_sizes(vectors, "the golden file")
    routed = sum(9 * rule.experts for rule in manifest.rules)
    total = _bytes(vectors.values()) + images * routed
    _require(
        total <= MAX_GOLDEN_BYTES,
        f"its golden vectors have {total:,} bytes together; at most {MAX_GOLDEN_BYTES:,} are read",
    )


def _check_prior(manifest: Manifest) -> None:
    """The usage prior fits the routing rules."""
    if manifest.usage_prior is None:
        return
    try:
        check_usage_prior(manifest.usage_prior, manifest.rules, "the usage prior")
    except InputError as error:
        raise _inconsistent(str(error)) from error


def _check_files(manifest: Manifest) -> None:
    """File paths are safe and distinct, and every graph's file is among its target's."""
    listed: set[File] = {manifest.golden.file}
    for name, target in manifest.targets.items():
        listed.update(target.files)
        paths = {file.path for file in target.files}
        _require(len(paths) == len(target.files), f"target {name} lists a file twice")
        packages = {
            path.rsplit("/", up)[0] for path in paths for up in range(1, path.count("/") + 1)
        }
        used = [(graph.file, paths | packages) for graph in target.graphs]
        used += [(target.weights, paths)] if target.weights is not None else []
        for path, known in used:
            _require(path in known, f"target {name} uses {path}, which its list of files lacks")
    for file in listed:
        _check_path(file.path)
    # Targets may share a file. Some file systems do not tell upper from lower case.
    _require_distinct((file.path.lower() for file in listed), "file")


def _check_path(path: str) -> None:
    """A path stays inside the bundle: relative, no empty part, no `.` or `..`."""
    parts = path.split("/")
    _require(
        not {"", ".", ".."} & set(parts),
        f"the path {path!r} must be relative and stay inside the bundle",
    )


def _check_graphs(name: str, target: Target, stages: tuple[Stage, ...]) -> None:
    """Every stage has exactly the graphs of the target's strategy."""
    _require_distinct((graph.name for graph in target.graphs), f"graph of target {name}")
    graphs = defaultdict(list)
    for graph in target.graphs:
        where = f"graph {graph.name} of target {name}"
        _require(graph.stage < len(stages), f"{where} is of a stage that does not exist")
        _check_graph_route(graph, target.strategy, stages[graph.stage], where)
        _require(
            graph.exclusive_bytes <= graph.weight_bytes,
            f"{where} has more exclusive bytes than bytes of weights",
        )
        graphs[graph.stage].append(graph.route)
    for index, stage in enumerate(stages):
        _check_complete(name, stage, graphs[index], target.strategy)


def _check_graph_route(graph: Graph, strategy: Strategy, stage: Stage, where: str) -> None:
    """A graph has a route exactly where the strategy has a graph per route."""
    if strategy != "dispatch" or stage.rule is None:
        _require(graph.route is None, f"{where} has a route, which its stage cannot have")
        return
    try:
        require_route(graph.route or (), stage.rule, where)
    except InputError as error:
        raise _inconsistent(str(error)) from error


def _check_complete(name: str, stage: Stage, routes: list[object], strategy: Strategy) -> None:
    """No route of a stage is without a graph, and none has two."""
    _require_distinct(routes, f"route of stage {stage.name} of target {name}")
    rule = stage.rule
    if strategy != "dispatch" or rule is None:
        _require(len(routes) == 1, f"target {name} has no graph for stage {stage.name}")
        return
    _require(
        len(routes) == math.comb(rule.experts, rule.k),
        f"target {name} has {len(routes)} graphs for stage {stage.name}; expected one for every "
        f"route of {rule.k} of {rule.experts} experts",
    )


def _check_expert_sizes(name: str, target: Target, rules: tuple[Rule, ...]) -> None:
    """Experts' bytes are there for each expert of each routed stage, or not at all."""
    if target.sizes is None or not target.sizes.expert_bytes:
        return
    found = [len(row) for row in target.sizes.expert_bytes]
    wanted = [rule.experts for rule in rules] if target.strategy == "dispatch" else []
    _require(
        found == wanted,
        f"target {name} has the bytes of {found[:8]} experts by stage, where {wanted[:8]} are "
        f"expected with the strategy {target.strategy}",
    )


class _Tensor(NamedTuple):
    """What is expected of a tensor."""

    shape: tuple[int, ...]
    dtype: str


_Expected = dict[str, _Tensor]


@dataclass(frozen=True)
class _Interface:
    """What all graphs of one stage of one target take and give."""

    inputs: _Expected
    outputs: _Expected


def _check_tensors(name: str, target: Target, manifest: Manifest, classes: int) -> None:
    """Names, types and shapes of every graph are those of its stage."""
    interfaces = _interfaces(name, target, manifest, classes)
    total = 0
    for interface in interfaces:
        _require_sizes({**interface.inputs, **interface.outputs}, f"target {name}")
        total += _bytes([*interface.inputs.values(), *interface.outputs.values()])
    _require(
        total <= MAX_BUFFER_BYTES,
        f"the tensors of target {name} have {total:,} bytes together; at most "
        f"{MAX_BUFFER_BYTES:,} are allowed, export it with a smaller batch",
    )
    for graph in target.graphs:
        where = f"graph {graph.name} of target {name}"
        for tensor in (*graph.inputs, *graph.outputs):
            _require_pixels(
                tensor, graph, manifest.input.channel_order, f"{where} has {tensor.name}"
            )
        _require_tensors(graph.inputs, interfaces[graph.stage].inputs, f"{where} takes")
        _require_tensors(graph.outputs, interfaces[graph.stage].outputs, f"{where} gives")


def _interfaces(name: str, target: Target, manifest: Manifest, classes: int) -> list[_Interface]:
    """The interface of each stage."""
    tokens = _tokens_by_stage(target)
    inputs: _Expected = {"image": _Tensor((target.batch, *manifest.input.shape), "float32")}
    interfaces = []
    for index, rule in enumerate(manifest.rules):
        _require(index in tokens, f"no graph of stage {index} of target {name} gives tokens")
        _require_tokens(tokens[index], target.batch, f"stage {index} of target {name}")
        after = _Tensor(tokens[index].shape, tokens[index].dtype)
        logits = _Tensor((target.batch, rule.experts), "float32")
        interfaces.append(_Interface(inputs, {"next_tokens": after, "logits": logits}))
        width = rule.experts if target.strategy == "all-experts" else rule.k
        inputs = {"tokens": after, "gates": _Tensor((target.batch, width), "float32")}
        if target.strategy == "gather":
            # Core ML's integers have 32 bits.
            kind = "int32" if target.format == "coreml" else "int64"
            inputs["experts"] = _Tensor((target.batch, rule.k), kind)
    answer = _Tensor((target.batch, classes), "float32")
    return [*interfaces, _Interface(inputs, {"answer": answer})]


def _tokens_by_stage(target: Target) -> dict[int, TensorSpec]:
    """The tokens that each stage gives, as the first of its graphs that has some says."""
    tokens: dict[int, TensorSpec] = {}
    for graph in target.graphs:
        for tensor in graph.outputs:
            if tensor.name == "next_tokens":
                tokens.setdefault(graph.stage, tensor)
    return tokens


def _require_tokens(tokens: TensorSpec, batch: int, where: str) -> None:
    """Tokens are numbers `[B, ...]` of a size that a buffer can have."""
    _require(
        len(tokens.shape) >= 2 and tokens.shape[0] == batch,
        f"{where} gives tokens of shape {list(tokens.shape)}, whose first size must be the batch "
        f"{batch}",
    )
    _require(
        tokens.dtype in ("float32", "float16"),
        f"{where} gives tokens of type {tokens.dtype}; expected float32 or float16",
    )


def _require_pixels(tensor: TensorSpec, graph: Graph, order: str, where: str) -> None:
    """Only the image can be pixels, one at a time, with a factor above zero for each channel."""
    if tensor.pixels is None:
        return
    pixels, channels = tensor.pixels, len(tensor.pixels.channel_order)
    _require(
        graph.stage == 0 and tensor in graph.inputs and tensor.shape[1:2] == (channels,),
        f"{where} as pixels, which only the image of the stem can be, with its channels",
    )
    _require(
        pixels.channel_order == order and tensor.shape[0] == 1,
        f"{where} as pixels {pixels.channel_order} of batch {tensor.shape[0]}; the model takes "
        f"{order}, and pixels are one image",
    )
    _require(
        len(pixels.scale) == len(pixels.bias) == channels and min(pixels.scale) > 0,
        f"{where} with {len(pixels.scale)} scales and {len(pixels.bias)} biases for {channels} "
        "channels, or a scale that is not above zero",
    )


def _require_sizes(tensors: _Expected, where: str) -> None:
    """Refuse a tensor that no buffer could hold."""
    for name, tensor in tensors.items():
        _require(
            math.prod(tensor.shape) <= MAX_ELEMENTS,
            f"{where} has the tensor {name} of shape {list(tensor.shape)}, which is too large (at "
            f"most {MAX_ELEMENTS} elements)",
        )


def _bytes(tensors: Iterable[_Tensor]) -> int:
    """Bytes of tensors together."""
    return sum(math.prod(tensor.shape) * _ITEM_BYTES[tensor.dtype] for tensor in tensors)


def _require_tensors(tensors: tuple[TensorSpec, ...], expected: _Expected, where: str) -> None:
    """Compare tensors with what is expected of them, order included."""
    given = [(tensor.name, _Tensor(tensor.shape, tensor.dtype)) for tensor in tensors]
    _require(
        given == list(expected.items()),
        f"{where} {_describe(given)} where {_describe(expected.items())} is expected",
    )


def _describe(tensors: Iterable[tuple[str, _Tensor]]) -> str:
    return ", ".join(f"{name} {list(shape)} {dtype}" for name, (shape, dtype) in tensors)


def _require_distinct(items: Iterable[object], what: str) -> None:
    """Refuse a name that is there twice."""
    for item, times in Counter(items).most_common(1):
        _require(times <= 1, f"the {what} {item!r} is there {times} times")


def _require(holds: bool, sentence: str) -> None:
    """Raise BundleError in this module's one form unless `holds`."""
    if not holds:
        raise _inconsistent(sentence)


def _inconsistent(sentence: str) -> BundleError:
    """The error for fields of a manifest that contradict each other."""
    return BundleError(
        f"the manifest is inconsistent: {sentence}", code="bundle.manifest-inconsistent"
    )
