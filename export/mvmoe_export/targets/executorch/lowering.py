"""From programs to one `.pte` with a method for each graph: runs in a process of its own."""

import contextlib
import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from executorch.exir import (
    EdgeCompileConfig,
    EdgeProgramManager,
    ExecutorchBackendConfig,
    to_edge_transform_and_lower,
)
from executorch.exir.passes import MemoryPlanningPass
from torch.export import ExportedProgram

from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.runtime.runners.executorch.runner import BACKENDS
from mvmoe_export.captured import CapturedFamily, CapturedGraph
from mvmoe_export.compile_job import CompileJob, made_up_numbers
from mvmoe_export.layers import part_name
from mvmoe_export.source_location import location_hint
from mvmoe_export.targets.executorch.binding import WholeNumberKeys, find_slots, find_some
from mvmoe_export.targets.executorch.layer_writers import SCALE, STEPS, WHOLE, WRITERS
from mvmoe_export.targets.executorch.options import LoweringOptions
from mvmoe_export.targets.executorch.shortcuts import shortcuts, without_attention_patterns
from mvmoe_export.targets.executorch.static_steps import put_steps

FILE = "model.pte"
_DELEGATE = torch.ops.higher_order.executorch_call_delegate
_CONFIG = EdgeCompileConfig(_check_ir_validity=False)


def compile(job: CompileJob) -> dict[str, Any]:
    """Write `model.pte`; gives what was delegated of each method, and whether all were loaded.

    Raises InputError for what the engine cannot take, CheckFailedError for a method that does not
    load.
    """
    options = job.options(LoweringOptions)
    delegate = options.delegate
    with shortcuts(), _silenced():
        if delegate == "coreml":
            methods = _lower_all(job, options)
        else:
            job = job.writing(WRITERS.get(job.job.numbers))
            methods = _lower_each(job, options)
        placement = {name: _placement(method) for name, method in methods.items()}
        manager = EdgeProgramManager(methods, compile_config=_CONFIG)
        program = manager.to_executorch(_backend_config())
    _require_kernels(job, program.executorch_program)
    with (job.output / FILE).open("wb") as file:
        program.write_to_file(file)
    return {
        "placement": placement,
        "loaded": _load_all(job.output / FILE, list(methods), delegate),
    }


def _backend_config() -> ExecutorchBackendConfig:
    """How programs are written: inputs stay where their caller has them.

    Planned memory would have room for every input, and each call would copy it there: the image,
    and weights that are inputs.
    """
    return ExecutorchBackendConfig(
        extract_delegate_segments=True,
        memory_planning_pass=MemoryPlanningPass(alloc_graph_input=False),
    )


def _lower_each(job: CompileJob, options: LoweringOptions) -> dict[str, ExportedProgram]:
    """The methods of all structures, each lowered by itself."""
    keys, methods = WholeNumberKeys(), dict[str, ExportedProgram]()
    # What is lowered as it is keeps its keys: those are given first.
    for family in sorted(job.families, key=lambda family: family.probed):
        methods |= _lower_family(job, family, options, keys)
    return {graph.name: methods[graph.name] for family in job.families for graph in family.graphs}


def _lower_family(
    job: CompileJob, family: CapturedFamily, options: LoweringOptions, keys: WholeNumberKeys
) -> dict[str, ExportedProgram]:
    """The methods of one structure, lowered once if its weights can be told apart afterwards."""
    graphs = family.graphs
    exported = job.program(family)
    if options.delegate == "xnnpack":
        names = [spec.name for spec in job.bound(family)]
        inputs = exported.graph_signature.user_inputs[-len(names) :] if names else ()
        require_constant_filters(graphs[0].name, exported, dict(zip(inputs, names, strict=True)))
    if job.job.numbers.needs_images:
        return {
            graph.name: _lower_with_steps(job, family, graph, options, keys) for graph in graphs
        }
    lowered = _lower({graphs[0].name: exported}, options)[graphs[0].name]
    scales = _packed_beside(job, family, SCALE)
    if not family.probed:
        keys.add_lowered(job.weights(family, graphs[0]), scales)
        job.report(graphs[0].name)
        return {graphs[0].name: lowered}
    slots = {slot: exported.state_dict[slot] for slot in job.slots(family)}
    template = find_slots(lowered, slots, scales)
    methods = {}
    for graph in graphs:
        weights = job.weights(family, graph)
        if template is not None:
            methods[graph.name] = template.bind(weights, keys)
        else:
            methods |= _lower({graph.name: with_weights(job.program(family), weights)}, options)
            keys.add_lowered(weights, scales)
        job.report(graph.name)
    return methods


def _lower_with_steps(
    job: CompileJob,
    family: CapturedFamily,
    graph: CapturedGraph,
    options: LoweringOptions,
    keys: WholeNumberKeys,
) -> ExportedProgram:
    """The method of a graph whose steps, and biases in such steps, are inside of the payload.

    Its whole numbers alone are made up, to be found and named by what they are packed with: the
    same ones have other steps in another graph. Raises InputError if they are not found.
    """
    weights = job.weights(family, graph)
    beside = _packed_beside(job, family, SCALE, *STEPS)
    made_up = made_up_numbers({slot: weights[slot] for slot in beside})
    program = with_weights(job.program(family), {**weights, **made_up})
    put_steps(program, weights)
    lowered = find_some(_lower({graph.name: program}, options)[graph.name], made_up, beside)
    if lowered is None:
        raise InputError(
            f"graph {graph.name} has a layer whose weights XNNPACK stores in a form of its own, "
            f"which is not known; give another precision than {job.job.recipe}",
            code="export.graph-refused",
            graph=graph.name,
        )
    job.report(graph.name)
    return lowered.bind(weights, keys)


def _packed_beside(
    job: CompileJob, family: CapturedFamily, *parts: str
) -> dict[str, tuple[str, ...]]:
    """For the whole numbers of each layer the slots of other parts."""
    return {
        part_name(weight, WHOLE): tuple(part_name(weight, part) for part in parts)
        for weight in job.layers(family).layers
    }


def _lower_all(job: CompileJob, options: LoweringOptions) -> dict[str, ExportedProgram]:
    """All methods at once: the delegate itself lets them share weights."""
    programs = {
        graph.name: with_weights(job.program(family), job.weights(family, graph))
        for family in job.families
        for graph in family.graphs
    }
    methods = _lower(programs, options)
    for name in methods:
        job.report(name)
    return methods


def with_weights(program: ExportedProgram, weights: dict[str, torch.Tensor]) -> ExportedProgram:
    """A program with the contents of its slots replaced."""
    for slot, weight in weights.items():
        program.state_dict[slot] = torch.nn.Parameter(weight, requires_grad=False)
    return program


def _lower(
    programs: dict[str, ExportedProgram], options: LoweringOptions
) -> dict[str, ExportedProgram]:
    """Programs in ExecuTorch's edge dialect, as much of them delegated as the delegate takes."""
    partitioners = {name: _partitioners(options) for name in programs}
    try:
        with without_attention_patterns(programs.values()):
            edge = to_edge_transform_and_lower(
                programs, partitioner=partitioners, compile_config=_CONFIG
            )
    except Exception as error:  # Its passes raise whatever they like.
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"graph {next(iter(programs))} cannot be lowered for ExecuTorch's delegate "
            f"{options.delegate}: {said[:300]}; try --executorch-delegate portable, or "
            "--rewrites none to see whether a rewrite is at fault",
            code="export.graph-refused",
            graph=next(iter(programs)),
        ) from error
    return {name: edge.exported_program(name) for name in programs}


def require_constant_filters(name: str, program: ExportedProgram, bound: Mapping[str, str]) -> None:
    """Refuse a convolution of graph `name` whose weight is made of one of its bound inputs.

    `bound` has what an input of the program holds, by the input's name. XNNPACK leaves such a
    convolution to kernels that take over a hundred times as long. The rewrite
    `dynamic-convolutions` has made products of all that it can, before. Raises InputError.
    """
    made_of: dict[torch.fx.Node, str] = {}
    for node in program.graph.nodes:
        roots = [made_of[source] for source in node.all_input_nodes if source in made_of]
        if node.op == "placeholder" and node.name in bound:
            roots = [bound[node.name]]
        if roots:
            made_of[node] = roots[0]
        operator = _name(node.target) if node.op == "call_function" else ""
        if "conv" in operator and node.args[1] in made_of:
            weight = made_of[node.args[1]]
            raise InputError(
                f"graph {name} has an operator {operator} whose weight {weight} is an input, which "
                "XNNPACK leaves to slow kernels; only convolutions without groups, with kernels of "
                "up to 7, become products: choose a strategy with a graph for each expert",
                code="export.graph-refused",
                graph=name,
                name=weight,
                operator=operator,
            )


def _partitioners(options: LoweringOptions) -> list[Any]:
    """What decides which nodes go to the delegate."""
    if options.delegate == "portable":
        return []
    if options.delegate == "xnnpack":
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

        return [XnnpackPartitioner()]
    return [_coreml_partitioner(options)]


def _coreml_partitioner(options: LoweringOptions) -> Any:
    """Core ML's, for a deployment target and compute units."""
    import coremltools
    from executorch.backends.apple.coreml.compiler import CoreMLBackend
    from executorch.backends.apple.coreml.partition import CoreMLPartitioner

    specs = CoreMLBackend.generate_compile_specs(
        compute_unit=coremltools.ComputeUnit[options.compute_units.upper()],
        minimum_deployment_target=coremltools.target[options.deployment_target],
        compute_precision=coremltools.precision.FLOAT16,
    )
    return CoreMLPartitioner(compile_specs=specs)


def _placement(program: ExportedProgram) -> dict[str, Any]:
    """How many delegated pieces a method has, and which nodes are outside of them."""
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    outside = Counter(_name(node.target) for node in calls if node.target is not _DELEGATE)
    return {"partitions": len(calls) - outside.total(), "outside": dict(outside)}


def _name(target: Any) -> str:
    name = target.name() if hasattr(target, "name") else getattr(target, "__name__", str(target))
    return name.split("::")[-1]


def _require_kernels(job: CompileJob, program: Any) -> None:
    """Refuse an operator outside of the delegate for which ExecuTorch has no kernel."""
    from executorch.runtime import Runtime

    known = Runtime.get().operator_registry.operator_names
    families = {graph.name: family for family in job.families for graph in family.graphs}
    for plan in program.execution_plan:
        for operator in plan.operators:
            name = f"{operator.name}.{operator.overload}" if operator.overload else operator.name
            if name not in known:
                where = location_hint(job.program(families[plan.name]), operator.name)
                raise InputError(
                    f"graph {plan.name} needs operator {operator.name}{where}, for which "
                    "ExecuTorch has no kernel; replace it in the model, or leave out this target",
                    code="export.graph-refused",
                    graph=plan.name,
                    operator=operator.name,
                )


def _load_all(path: Path, methods: list[str], delegate: str) -> bool:
    """Load every method: one can export and yet not load (executorch#21951).

    False if this machine lacks the delegate's runtime.
    """
    from executorch.runtime import Runtime

    runtime = Runtime.get()
    needed = BACKENDS.get(delegate)
    if needed is not None and not runtime.backend_registry.is_available(needed):
        return False
    for name in methods:
        try:
            runtime.load_program(path).load_method(name)
        except Exception as error:
            raise CheckFailedError(
                f"method {name} of the new .pte does not load ({error}); export it with "
                "--executorch-delegate portable",
                code="check.failed",
                target="executorch",
                graph=name,
            ) from error
    return True


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Lower without what ExecuTorch logs and warns of."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
