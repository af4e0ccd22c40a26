"""Checks of a manifest's fields against each other; what one field may hold is in `manifest.py`.

Every check raises BundleError with one sentence; `check` runs them all. A manifest may be hostile:
each check takes time proportional to the manifest's size.
"""

import itertools
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mvmoe_deploy.bundle.bound_weights import check_bound_weights
from mvmoe_deploy.bundle.compressed import check_compressed
from mvmoe_deploy.bundle.graph_stages import (
    ROUTER_LOGITS,
    STEERING,
    graph_stages,
    steering_type,
)
from mvmoe_deploy.bundle.manifest import (
    IMAGE,
    IN_GRAPH,
    File,
    Graph,
    Manifest,
    Output,
    Stage,
    Target,
    TensorSpec,
    given_by,
)
from mvmoe_deploy.bundle.manifest_faults import inconsistent, of_part
from mvmoe_deploy.errors import Fault, InputError
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.routing import Route, Rule, check_usage_prior
from mvmoe_deploy.routing.choices import check_choices, router_of
from mvmoe_deploy.routing.contract import CallersRule, is_ascending
from mvmoe_deploy.strategies import (
    INTEGER,
    Strategy,
    TensorType,
    find_strategy,
    slot_input,
    slot_of,
)
from mvmoe_deploy.text import quoted

MAX_ELEMENTS = 2**28
"""Elements of one tensor: a manifest may not ask for a buffer of gigabytes."""

MAX_BUFFER_BYTES = 2**32
"""Bytes of all tensors of a target: each call in flight has a buffer for every one of them."""

MAX_GOLDEN_BYTES = 2**31
"""Bytes of all golden vectors: they are read at once."""

_MOST_SHOWN = 16
"""Tensors, and experts of a route, in a field of an error."""

_ITEM_BYTES = {"float32": 4, "float16": 2, "int64": 8, "int32": 4, "int8": 1, INTEGER: 8}
_INTEGERS = ("int64", "int32")


def check(manifest: Manifest, *, plugins: bool = False) -> None:
    """Run every check; raises BundleError at the first that fails.

    With `plugins` the strategies of targets may be those of other distributions.
    """
    _check_stages(manifest.stages)
    _check_outputs(manifest)
    _check_prior(manifest)
    _check_restrictions(manifest)
    _check_files(manifest)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, target in manifest.targets.items():
        strategy = _strategy(name, target, plugins)
        if target.routers == IN_GRAPH:
            _check_routers_in_graph(name, strategy, manifest)
        _check_graphs(name, target, strategy, graph_stages(manifest, target))
        _check_expert_sizes(name, target, strategy, manifest.rules)
        check_compressed(name, target, manifest.rules)
        _check_tensors(name, target, strategy, manifest, shapes)
        check_bound_weights(name, target, strategy, manifest.stages)
    for output in manifest.outputs:
        _check_kind(output, _kind(output, plugins), [shapes[name] for name in output.tensors])
    _check_golden(manifest, shapes)


def _strategy(name: str, target: Target, plugins: bool) -> Strategy:
    """The strategy of a target."""
    try:
        return find_strategy(target.strategy, plugins=plugins)
    except InputError as error:
        raise inconsistent(f"target {name} cannot be read: {error}", of_part(error)) from error


def _check_routers_in_graph(name: str, strategy: Strategy, manifest: Manifest) -> None:
    """One graph can have the routers of this model inside, and its strategy can."""
    fault = Fault("bundle.routers-mismatch", target=name)
    _require(
        strategy.routes_in_graph and len(manifest.stages) > 1,
        f"target {name} has its routers in a graph, which a model without routers, or the strategy "
        f"{strategy.name}, cannot have",
        fault,
    )
    for stage in manifest.stages[1:]:
        _require(
            not stage.finishes and not isinstance(stage.rule, CallersRule),
            f"target {name} has its routers in a graph, but stage {stage.name} finishes images or "
            "leaves routes to the caller",
            fault,
        )
    taken = [output.name for output in manifest.outputs if output.name in (ROUTER_LOGITS, STEERING)]
    _require(
        not taken and ROUTER_LOGITS not in given_by(manifest.stages),
        f"target {name} has its routers in a graph, and the model a tensor of the name "
        f"{ROUTER_LOGITS} or {STEERING}",
        fault,
    )


def _check_stages(stages: tuple[Stage, ...]) -> None:
    """The stem has no rule, every stage after it has one; names are distinct; tensors are there."""
    routed = [stage.rule is not None for stage in stages]
    _require(
        routed == [False] + [True] * (len(routed) - 1),
        "the stages must be the stem without a rule and then routed steps with one",
    )
    _require_distinct((stage.name for stage in stages), "stage")
    for stage in stages:
        _check_finishes(stage)
    _require(
        dict(stages[0].takes) == {IMAGE: IMAGE},
        f"the stem takes {quoted(stages[0].takes)}; expected the {IMAGE} alone",
    )
    try:
        check_choices([stage.routing for stage in stages[1:]], "the manifest")
    except InputError as error:
        raise inconsistent(str(error)) from error
    known = {IMAGE}
    for stage in stages:
        _check_flow(stage, known)
        known |= set(stage.gives.values())


def _check_finishes(stage: Stage) -> None:
    """The routes that finish an image are some of the rule's, and not all."""
    if not stage.finishes:
        return
    fault = Fault("bundle.finishes-invalid", stage=stage.name)
    _require(stage.rule is not None, f"stage {stage.name} has no rule, yet finishes images", fault)
    _require_distinct(stage.finishes, f"finishing route of stage {stage.name}", fault)
    for route in stage.finishes:
        _require(
            stage.routing.contains(route),
            f"stage {stage.name} finishes images on the route {quoted(list(route))}, which its "
            "rule does not have",
            fault,
        )
    _require(
        len(stage.finishes) < stage.routing.count(),
        f"stage {stage.name} finishes every image, so that it never runs",
        fault,
    )


def _check_flow(stage: Stage, known: set[str]) -> None:
    """A stage takes tensors that stages before it give, and gives new ones."""
    has_router = stage.rule is not None and router_of(stage.rule) is not None
    _require(
        (stage.router is not None) == has_router,
        f"stage {stage.name} must have a rule and the tensor of its router's logits, or neither; "
        "and no such tensor if its rule leaves every route to the caller",
    )
    for tensor in stage.takes.values():
        wrong = Fault("bundle.tensor-unknown", stage=stage.name, tensor=tensor)
        _require(
            tensor in known,
            f"stage {stage.name} takes the tensor {tensor}, which no stage before it gives",
            wrong,
        )
    if stage.router is not None:
        wrong = Fault("bundle.tensor-unknown", stage=stage.name, tensor=stage.router)
        _require(
            stage.router in known - {IMAGE},
            f"stage {stage.name} is routed by the tensor {stage.router}, which no stage before it "
            "gives",
            wrong,
        )
    for tensor, times in Counter(stage.gives.values()).items():
        wrong = Fault("bundle.tensor-given-twice", stage=stage.name, tensor=tensor)
        new = times == 1 and tensor not in known
        _require(new, f"stage {stage.name} gives the tensor {tensor} once more", wrong)
    both = sorted(stage.takes.keys() & stage.gives.keys())
    _require(not both, f"graphs of stage {stage.name} take and give {quoted(both)} under one name")


def _check_outputs(manifest: Manifest) -> None:
    """Outputs are tensors that stages give, and there wherever an image may be finished."""
    _require_distinct((output.name for output in manifest.outputs), "output")
    stage_of = given_by(manifest.stages)
    first_finish = next(
        (index for index, stage in enumerate(manifest.stages) if stage.finishes),
        len(manifest.stages),
    )
    for output in manifest.outputs:
        for tensor in output.tensors:
            wrong = Fault("bundle.tensor-unknown", output=output.name, tensor=tensor)
            _require(
                tensor in stage_of,
                f"the output {output.name} is the tensor {tensor}, which no stage gives",
                wrong,
            )
        stages = [stage_of[tensor] for tensor in output.tensors]
        _require(
            all(earlier < later for earlier, later in itertools.pairwise(stages)),
            f"the tensors of the output {output.name} are not of one stage after another",
        )
        _require(
            stages[0] < first_finish,
            f"an image may be finished at stage {first_finish} before it has the output "
            f"{output.name}",
            Fault("bundle.output-missing", output=output.name, stage=first_finish),
        )


def _kind(output: Output, plugins: bool) -> OutputKind:
    """The kind of an output."""
    try:
        return find_kind(output.kind, plugins=plugins)
    except InputError as error:
        sentence = f"output {output.name} cannot be read: {error}"
        raise inconsistent(sentence, of_part(error)) from error


def _check_kind(output: Output, kind: OutputKind, shapes: list[tuple[int, ...]]) -> None:
    """The tensors of an output have one shape, which fits its kind and its labels."""
    shape = shapes[0]
    fault = Fault("bundle.output-shape", output=output.name, kind=output.kind, found=list(shape))
    _require(
        all(other == shape for other in shapes),
        f"the tensors of the output {output.name} have different shapes",
        fault,
    )
    try:
        kind.require_shape(shape)
    except InputError as error:
        raise inconsistent(f"the output {output.name} does not fit its kind: {error}", fault) from (
            error
        )
    if output.labels is not None:
        classes = kind.classes(shape)
        _require(
            len(output.labels) == classes,
            f"there are {len(output.labels)} labels for the {classes or 'no'} classes of the "
            f"output {output.name}",
        )


def _check_golden(manifest: Manifest, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """The golden vectors are small enough to be read at once."""
    images = manifest.golden.images
    vectors = {"image": TensorType((images, *manifest.input.shape), "float32")}
    for output in manifest.outputs:
        shape = (images, *shapes[output.tensors[0]])
        vectors[f"outputs.{output.name}"] = TensorType(shape, "float32")
    _require_sizes(vectors, "the golden file")
    routed = sum(9 * rule.experts for rule in manifest.rules)
    total = _bytes(vectors.values()) + images * routed
    _require(
        total <= MAX_GOLDEN_BYTES,
        f"its golden vectors have {total:,} bytes together; at most {MAX_GOLDEN_BYTES:,} are read",
        Fault("bundle.too-large", limit=MAX_GOLDEN_BYTES),
    )


def _check_prior(manifest: Manifest) -> None:
    """The usage prior fits the routing rules."""
    if manifest.usage_prior is None:
        return
    try:
        check_usage_prior(manifest.usage_prior, manifest.rules, "the usage prior")
    except InputError as error:
        raise inconsistent(str(error)) from error


def _check_restrictions(manifest: Manifest) -> None:
    """Each says one thing of a stage of its own, which the rule that the stage had allows."""
    numbers = [restriction.stage for restriction in manifest.restrictions]
    _require(
        numbers == sorted(set(numbers)),
        "the restrictions are of stages that are listed twice, or not in ascending order",
    )
    for restriction in manifest.restrictions:
        rule, route, kept = restriction.rule, restriction.route, restriction.kept
        _require(
            (route is None) != (kept is None),
            f"the restriction of stage {restriction.stage} has a route and kept experts, or none",
        )
        _require(
            kept is None or is_ascending(kept, rule.experts),
            f"the restriction of stage {restriction.stage} keeps other experts than its "
            f"{rule.experts}, or not in ascending order",
        )
        _require(
            route is None or rule.contains(route),
            f"the restriction of stage {restriction.stage} has a route that its rule "
            f"({rule.describe()}) cannot give",
        )


def _check_files(manifest: Manifest) -> None:
    """File paths are safe and distinct, and every graph's file is among its target's."""
    listed: set[File] = {manifest.golden.file}
    _check_path(manifest.golden.file.path)
    for name, target in manifest.targets.items():
        listed.update(target.files)
        for path in _paths(target):
            _check_path(path)
        paths = {file.path for file in target.files}
        _require(len(paths) == len(target.files), f"target {name} lists a file twice")
        in_order = sorted(paths)
        for graph in target.graphs:
            _require_listed(
                name, graph.file, graph.file in paths or _is_folder(graph.file, in_order)
            )
        if target.weights is not None:
            _require_listed(name, target.weights, target.weights in paths)
    # Targets may share a file. Some file systems do not tell upper from lower case.
    _require_distinct((file.path.lower() for file in listed), "file")


def _require_listed(target: str, path: str, listed: bool) -> None:
    """Refuse a path that a target's list of files lacks."""
    _require(listed, f"target {target} uses {path}, which its list of files lacks")


def _is_folder(path: str, files: Sequence[str]) -> bool:
    """Whether some of the sorted `files` lie in the folder; all their folders would be too many."""
    place = bisect_left(files, f"{path}/")
    return place < len(files) and files[place].startswith(f"{path}/")


def _paths(target: Target) -> Iterator[str]:
    """Every path that a target names."""
    yield from (file.path for file in target.files)
    yield from (graph.file for graph in target.graphs)
    if target.weights is not None:
        yield target.weights


def _check_path(path: str) -> None:
    """A path stays inside the bundle: relative, no empty part, no `.` or `..`."""
    parts = path.split("/")
    _require(
        not {"", ".", ".."} & set(parts),
        f"the path {path!r} must be relative and stay inside the bundle",
        Fault("bundle.path-outside", path=path),
    )


def _check_graphs(name: str, target: Target, strategy: Strategy, stages: tuple[Stage, ...]) -> None:
    """Every stage has exactly the graphs of the target's strategy."""
    _require_distinct((graph.name for graph in target.graphs), f"graph of target {name}")
    graphs: dict[int, list[Route | None]] = defaultdict(list)
    for graph in target.graphs:
        where = f"graph {graph.name} of target {name}"
        _require(
            graph.stage < len(stages),
            f"{where} is of a stage that does not exist",
            Fault("bundle.graphs-mismatch", target=name),
        )
        _require(
            graph.exclusive_bytes <= graph.weight_bytes,
            f"{where} has more exclusive bytes than bytes of weights",
        )
        graphs[graph.stage].append(graph.route)
    for index, stage in enumerate(stages):
        _check_complete(name, stage, graphs[index], strategy)


def _check_complete(
    target: str, stage: Stage, found: list[Route | None], strategy: Strategy
) -> None:
    """A stage has each graph of the strategy once, and no other."""
    where = f"stage {stage.name} of target {target}"
    fault = Fault("bundle.graphs-mismatch", target=target, stage=stage.name)
    _require_distinct(found, f"route of {where}", fault)
    left = set(found)
    for route in stage_graphs(strategy, stage):
        # Ends at the first graph that is missing: there may be more routes than memory holds.
        if route not in left:
            fault = Fault(fault.code, **fault.fields, route=_first(route))
            raise inconsistent(f"{where} has no graph{_route_phrase(route)}", fault)
        left.remove(route)
    for route in left:
        raise inconsistent(
            f"{where} has a graph{_route_phrase(route)}, which it cannot have", fault
        )


def stage_graphs(strategy: Strategy, stage: Stage) -> Iterator[Route | None]:
    """The graphs of a stage, lazily: those of its strategy that some route which runs needs."""
    if stage.rule is None:
        yield None
        return
    for route in strategy.graphs(stage.rule):
        if strategy.is_needed(stage.rule, route, stage.finishes):
            yield route


def _first(route: Route | None) -> list[int] | None:
    """The beginning of a rule's route, for the field of an error; None stands for all routes."""
    return None if route is None else list(route[:_MOST_SHOWN])


def _route_phrase(route: Route | None) -> str:
    """Which routes a graph serves, for a message."""
    return " for all routes" if route is None else f" for the route {quoted(list(route))}"


def _check_expert_sizes(
    name: str, target: Target, strategy: Strategy, rules: tuple[Rule, ...]
) -> None:
    """Experts' bytes are there for each expert of each routed stage, or not at all."""
    if target.sizes is None or not target.sizes.expert_bytes:
        return
    found = [len(row) for row in target.sizes.expert_bytes]
    wanted = [rule.experts for rule in rules] if strategy.separates_experts else []
    _require(
        found == wanted,
        f"target {name} has the bytes of {found[:8]} experts by stage, where {wanted[:8]} are "
        f"expected with the strategy {target.strategy}",
    )


_Tensors = dict[str, TensorType]


@dataclass(frozen=True)
class _Interface:
    """What the graphs of one stage of one target take of the stages before, and what they give."""

    inputs: _Tensors
    outputs: _Tensors
    of_expert: _Tensors
    """What each expert's graph gives for a slot, where another graph joins them."""


def _check_tensors(
    name: str,
    target: Target,
    strategy: Strategy,
    manifest: Manifest,
    shapes: dict[str, tuple[int, ...]],
) -> None:
    """Names, types and shapes of every graph are those of its stage and route.

    `shapes` are those of outputs for one image, which are the same in every target; what is not
    known of them yet is added.
    """
    interfaces = _interfaces(name, target, strategy, manifest, shapes)
    stages = graph_stages(manifest, target)
    buffers: set[tuple[int, str, TensorType]] = set()
    for graph in target.graphs:
        where = f"graph {graph.name} of target {name}"
        for tensor in (*graph.inputs, *graph.outputs):
            _require_pixels(
                tensor, graph, manifest.input.channel_order, f"{where} has {tensor.name}"
            )
        interface = interfaces[graph.stage]
        outputs = interface.outputs
        inputs = _in_order_of(graph.inputs, interface.inputs)
        if graph.stage:
            rule = manifest.rules[graph.stage - 1]
            if strategy.slots(rule):
                inputs = _some_and_slots(graph, interface, strategy, rule)
            if strategy.is_joined(rule, graph.route):
                outputs = interface.of_expert
            added = strategy.inputs(rule, graph.route, target.batch)
            _require_own_names(stages[graph.stage], added, name)
            inputs = inputs | added
        elif target.routers == IN_GRAPH:
            inputs = inputs | {STEERING: steering_type(manifest.rules, target.batch)}
        bound = _bound(graph)
        _require_sizes({**inputs, **bound, **outputs}, f"target {name}")
        fault = Fault("bundle.tensors-mismatch", target=name, graph=graph.name)
        both = sorted(inputs.keys() & bound.keys())
        _require(not both, f"{where} binds {quoted(both)}, which is no weight", fault)
        _require_tensors(graph.inputs, inputs | bound, f"{where} takes", fault)
        _require_tensors(graph.outputs, outputs, f"{where} gives", fault)
        buffers.update((graph.stage, *tensor) for tensor in (*inputs.items(), *outputs.items()))
    total = _bytes(tensor for _, _, tensor in buffers)
    _require(
        total <= MAX_BUFFER_BYTES,
        f"the tensors of target {name} have {total:,} bytes together; at most "
        f"{MAX_BUFFER_BYTES:,} are allowed, export it with a smaller batch",
        Fault("bundle.too-large", limit=MAX_BUFFER_BYTES),
    )


def _require_own_names(stage: Stage, added: _Tensors, target: str) -> None:
    """What a strategy adds has names of its own: of two inputs of one name one would be lost."""
    taken = sorted(stage.takes.keys() & added.keys())
    _require(
        not taken,
        f"stage {stage.name} of target {target} takes {quoted(taken)}, which is the name of an "
        "input that its strategy adds",
        Fault("bundle.tensors-mismatch", target=target),
    )


def _in_order_of(specs: tuple[TensorSpec, ...], tensors: _Tensors) -> _Tensors:
    """Tensors in the order of those of a graph: the entries of an object have none."""
    found = {spec.name: tensors[spec.name] for spec in specs if spec.name in tensors}
    return found | tensors


def _some_and_slots(
    graph: Graph, interface: _Interface, strategy: Strategy, rule: Rule
) -> _Tensors:
    """What an expert's graph or the joining one takes: some of its stage's tensors, and slots."""
    names = {spec.name for spec in graph.inputs}
    some = {name: tensor for name, tensor in interface.inputs.items() if name in names}
    taken = _in_order_of(graph.inputs, some)
    if strategy.is_joined(rule, graph.route):
        return taken
    return taken | {
        slot_input(slot, name): tensor
        for slot in range(strategy.slots(rule))
        for name, tensor in interface.of_expert.items()
    }


def _bound(graph: Graph) -> _Tensors:
    """The inputs of a graph that are weights, as they are: `bound_weights` looks at them."""
    return {
        spec.name: TensorType(spec.shape, spec.dtype)
        for spec in graph.inputs
        if spec.name in graph.bound
    }


def _interfaces(
    name: str,
    target: Target,
    strategy: Strategy,
    manifest: Manifest,
    shapes: dict[str, tuple[int, ...]],
) -> list[_Interface]:
    """The interface of each stage: every tensor is what the stage that gives it says."""
    tensors = {IMAGE: TensorType((target.batch, *manifest.input.shape), "float32")}
    stages = graph_stages(manifest, target)
    outputs, of_experts = _outputs_by_stage(target, strategy, manifest.rules)
    listed = {tensor for output in manifest.outputs for tensor in output.tensors}
    known = {
        tensor: TensorType((target.batch, *shape), "float32") for tensor, shape in shapes.items()
    }
    if target.routers == IN_GRAPH:
        known[ROUTER_LOGITS] = steering_type(manifest.rules, target.batch)
    for stage in stages[1:]:
        if stage.router is None:
            continue
        logits = TensorType((target.batch, stage.routing.experts), "float32")
        tensors_of_router = known.setdefault(stage.router, logits)
        _require(
            tensors_of_router == logits,
            f"the tensor {stage.router} would have the logits of "
            f"{tensors_of_router.shape[-1]} experts and of {stage.routing.experts}",
        )
    interfaces = []
    for index, stage in enumerate(stages):
        where = f"stage {stage.name} of target {name}"
        _require(index in outputs, f"{where} has no graph")
        inputs = {taken: tensors[tensor] for taken, tensor in stage.takes.items()}
        given = _types(outputs[index])
        fault = Fault("bundle.tensors-mismatch", target=name)
        _require(
            set(given) == set(stage.gives),
            f"{where} gives {quoted(list(given))}, where {quoted(list(stage.gives))} is expected",
            fault,
        )
        for output, tensor in stage.gives.items():
            if tensor not in known:
                _require_passed_on(given[output], target.batch, f"{where} gives {output}", fault)
            given[output] = known.get(tensor, given[output])
            tensors[tensor] = given[output]
            if tensor in listed and tensor not in shapes:
                _require(
                    given[output].dtype == "float32",
                    f"{where} gives {output}, an output of the model, of type "
                    f"{given[output].dtype}; expected float32",
                    fault,
                )
                shapes[tensor] = given[output].shape[1:]
        of_expert = _types(of_experts.get(index, ()))
        for output, kind in of_expert.items():
            _require_passed_on(kind, target.batch, f"an expert of {where} gives {output}", fault)
        taken = [tensor for tensor in stage.takes if of_expert and slot_of(tensor) is not None]
        _require(not taken, f"{where} takes {quoted(taken)}, which is the name of a slot", fault)
        interfaces.append(_Interface(inputs, given, of_expert))
    return interfaces


def _types(specs: Iterable[TensorSpec]) -> _Tensors:
    """Some tensors of a graph, by name."""
    return {spec.name: TensorType(spec.shape, spec.dtype) for spec in specs}


_Outputs = dict[int, tuple[TensorSpec, ...]]


def _outputs_by_stage(
    target: Target, strategy: Strategy, rules: tuple[Rule, ...]
) -> tuple[_Outputs, _Outputs]:
    """What each stage gives, and what its experts give for slots, as the first graph of each says.

    All others of the stage must give the same.
    """
    outputs: _Outputs = {}
    of_experts: _Outputs = {}
    for graph in target.graphs:
        joined = graph.stage > 0 and strategy.is_joined(rules[graph.stage - 1], graph.route)
        (of_experts if joined else outputs).setdefault(graph.stage, graph.outputs)
    return outputs, of_experts


def _require_passed_on(tensor: TensorType, batch: int, where: str, fault: Fault) -> None:
    """Tensors between stages are numbers `[B, ...]` of a size that a buffer can have."""
    _require(
        len(tensor.shape) >= 2 and tensor.shape[0] == batch,
        f"{where} of shape {list(tensor.shape)}, whose first size must be the batch {batch}",
        fault,
    )
    _require(
        tensor.dtype in ("float32", "float16"),
        f"{where} of type {tensor.dtype}; expected float32 or float16",
        fault,
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


def _require_sizes(tensors: Mapping[str, TensorType], where: str) -> None:
    """Refuse a tensor that no buffer could hold."""
    for name, tensor in tensors.items():
        _require(
            math.prod(tensor.shape) <= MAX_ELEMENTS,
            f"{where} has the tensor {name} of shape {list(tensor.shape)}, which is too large (at "
            f"most {MAX_ELEMENTS} elements)",
            Fault("bundle.too-large", limit=MAX_ELEMENTS),
        )


def _bytes(tensors: Iterable[TensorType]) -> int:
    """Bytes of tensors together."""
    return sum(math.prod(tensor.shape) * _ITEM_BYTES[tensor.dtype] for tensor in tensors)


def _require_tensors(
    tensors: tuple[TensorSpec, ...], expected: Mapping[str, TensorType], where: str, fault: Fault
) -> None:
    """Compare tensors with what is expected of them, order included."""
    given = _types(tensors)
    if (
        len(given) != len(tensors)
        or list(given) != list(expected)
        or not all(_fits(given[name], expected[name]) for name in given)
    ):
        shown = {"expected": _texts(expected.items()), "found": _texts(given.items())}
        raise inconsistent(
            f"{where} {_describe(given.items())} where {_describe(expected.items())} is expected",
            Fault(fault.code, **fault.fields, **shown),
        )


def _fits(given: TensorType, expected: TensorType) -> bool:
    """Whether a tensor is as expected; the target chooses the type of integers."""
    kinds = _INTEGERS if expected.dtype == INTEGER else (expected.dtype,)
    return given.shape == expected.shape and given.dtype in kinds


def _describe(tensors: Iterable[tuple[str, TensorType]]) -> str:
    return ", ".join(f"{name} {list(shape)} {dtype}" for name, (shape, dtype) in tensors)


def _texts(tensors: Iterable[tuple[str, TensorType]]) -> list[str]:
    """The first of some tensors, each as a text, for the field of an error."""
    return [_describe([tensor]) for tensor in itertools.islice(tensors, _MOST_SHOWN)]


def _require_distinct(items: Iterable[object], what: str, fault: Fault | None = None) -> None:
    """Refuse a name that is there twice."""
    for item, times in Counter(items).most_common(1):
        _require(times <= 1, f"the {what} {item!r} is there {times} times", fault)


def _require(holds: bool, sentence: str, fault: Fault | None = None) -> None:
    """Raise BundleError unless `holds`."""
    if not holds:
        raise inconsistent(sentence, fault)
