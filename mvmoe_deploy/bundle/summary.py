"""What `mvmoe inspect` says of a bundle, from the manifest alone."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

import msgspec

from mvmoe_deploy.bundle.manifest import (
    Bounds,
    Compression,
    ExpertWeights,
    Graph,
    Manifest,
    OptionValue,
    Output,
    Parity,
    Placement,
    Restriction,
    Routers,
    Source,
    Target,
)
from mvmoe_deploy.bundle.model_outputs import output_shapes
from mvmoe_deploy.bundle.precisions import PrecisionRow, rows_of_manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule, UsagePrior
from mvmoe_deploy.strategies import find_strategy


class _Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all parts of a summary."""


class ModelSummary(_Summary, frozen=True):
    """The model; `experts` are those of the first router (0 for a dense model)."""

    name: str
    family: str
    experts: int
    routed_stages: int
    params_total: int
    params_active: int
    macs: int


class GraphSummary(_Summary, frozen=True):
    """One graph: its place and the bytes it needs.

    `bytes` are those of its program and of the weights that it reads, shared ones included; where
    one file holds several graphs, those of the weights alone. A graph that takes the weights of its
    route's experts serves all routes as long as `route`, of `any_of` experts.
    """

    name: str
    stage: int
    route: tuple[int, ...] | None
    any_of: int | None
    bytes: int
    file: str
    entry: str | None
    file_bytes: int
    weight_bytes: int
    exclusive_bytes: int
    placement: tuple[Placement, ...]


class ExpertRange(_Summary, frozen=True):
    """Where the weights of one expert are in the file of weights, and how many tensors these are.

    `offset` and `bytes` are in bytes.
    """

    offset: int
    bytes: int
    tensors: int


class SizeReport(_Summary, frozen=True):
    """What sharing saves and what an expert costs, in bytes.

    `separate` is what the weights would take with a file of its own for every graph, `stored` what
    they do take, `repeated` how much of that is stored more than once. `one_more_expert` is an
    estimate: an expert of average size with the graphs of its routes; the router's new row is left
    out. It is None where graphs are not split by route.
    """

    distinct: int
    shared: int
    experts: tuple[tuple[int, ...], ...]
    separate: int
    stored: int
    saved: int
    repeated: int
    one_more_expert: int | None


class TargetSummary(_Summary, frozen=True):
    """One target: its options, its graphs, where they run, and its size."""

    format: str
    options: dict[str, OptionValue]
    rewrites: tuple[str, ...]
    strategy: str
    routers: Routers
    precision: str
    batch: int
    graphs: tuple[GraphSummary, ...]
    weight_bytes: int
    bytes: int
    ranges: tuple[tuple[ExpertRange, ...], ...]
    """Of graphs that take weights: for each routed stage the range of every expert."""
    sizes: SizeReport | None
    parity: Parity | None
    bounds: Bounds
    compression: Compression | None
    """None where all weights are in the numbers that graphs compute in."""


class OutputSummary(_Summary, frozen=True):
    """One output: its kind, its shape for one image, and the names of its classes."""

    name: str
    kind: str
    shape: tuple[int, ...]
    labels: tuple[str, ...] | None


class GoldenSummary(_Summary, frozen=True):
    """The golden vectors: how many images, and the file."""

    images: int
    file: str


class BundleSummary(_Summary, frozen=True):
    """A bundle: its model, rules (one for each router), targets, input, outputs, usage prior."""

    format: str
    version: int
    model: ModelSummary
    routing: tuple[Rule, ...]
    finishes: tuple[tuple[Route, ...], ...]
    """For each routed stage the routes on which an image is finished."""
    restrictions: tuple[Restriction, ...]
    """What the export has fixed of the model's routing."""
    source: Source
    targets: dict[str, TargetSummary]
    precisions: tuple[PrecisionRow, ...]
    """The targets whose format the bundle has in several precisions, side by side."""
    input: Preprocessing
    input_shape: tuple[int, int, int]
    input_origins: dict[str, str]
    """Where each value of `input` comes from that the checkpoint did not state."""
    outputs: tuple[OutputSummary, ...]
    usage_prior: UsagePrior | None
    golden: GoldenSummary


def summarize(manifest: Manifest) -> BundleSummary:
    """The summary of a manifest."""
    rules, shapes = manifest.rules, output_shapes(manifest)
    return BundleSummary(
        format=manifest.format,
        version=manifest.version,
        model=ModelSummary(
            name=manifest.model.name,
            family=manifest.model.family,
            experts=rules[0].experts if rules else 0,
            routed_stages=len(rules),
            params_total=manifest.model.params_total,
            params_active=manifest.model.params_active,
            macs=manifest.model.macs,
        ),
        routing=rules,
        finishes=tuple(stage.finishes for stage in manifest.stages[1:]),
        restrictions=manifest.restrictions,
        source=manifest.source,
        targets={name: target_summary(target, rules) for name, target in manifest.targets.items()},
        precisions=rows_of_manifest(manifest),
        input=manifest.input,
        input_shape=manifest.input.shape,
        input_origins=dict(manifest.source.input.items()),
        outputs=tuple(_output(output, shapes[output.name]) for output in manifest.outputs),
        usage_prior=manifest.usage_prior,
        golden=GoldenSummary(images=manifest.golden.images, file=manifest.golden.file.path),
    )


def _output(output: Output, shape: tuple[int, ...]) -> OutputSummary:
    """One output, whose shape for one image is `shape`."""
    return OutputSummary(name=output.name, kind=output.kind, shape=shape, labels=output.labels)


def target_summary(target: Target, rules: tuple[Rule, ...]) -> TargetSummary:
    """The summary of one target."""
    files = _Files.of(target)
    return TargetSummary(
        format=target.format,
        options=dict(target.options),
        rewrites=target.rewrites,
        strategy=target.strategy,
        routers=target.routers,
        precision=target.precision,
        batch=target.batch,
        graphs=tuple(_graph(graph, target, files) for graph in target.graphs),
        weight_bytes=files.of_path[target.weights] if target.weights else 0,
        bytes=files.total,
        ranges=tuple(tuple(map(_range, row)) for row in target.experts),
        sizes=size_report(target, rules),
        parity=target.parity,
        bounds=target.bounds,
        compression=target.compression,
    )


def _range(expert: ExpertWeights) -> ExpertRange:
    """The range of one expert."""
    return ExpertRange(offset=expert.offset, bytes=expert.bytes, tensors=len(expert.tensors))


def size_report(target: Target, rules: tuple[Rule, ...]) -> SizeReport | None:
    """What sharing saves and what an expert costs; None if the manifest does not say."""
    if target.sizes is None:
        return None
    separate = sum(graph.weight_bytes for graph in target.graphs)
    alone = len({graph.file for graph in target.graphs}) == len(target.graphs) > 1
    stored = separate if target.weights is None and alone else target.sizes.distinct_bytes
    return SizeReport(
        distinct=target.sizes.distinct_bytes,
        shared=target.sizes.shared_bytes,
        experts=target.sizes.expert_bytes,
        separate=separate,
        stored=stored,
        saved=max(separate - stored, 0),
        repeated=max(stored - target.sizes.distinct_bytes, 0),
        one_more_expert=_one_more(target, rules, stored),
    )


def _one_more(target: Target, rules: tuple[Rule, ...], stored: int) -> int | None:
    """What one more expert in every routed stage would add, about."""
    if target.sizes is None or not target.sizes.expert_bytes:
        return None
    try:
        graphs = find_strategy(target.strategy).graphs
        routes = sum(
            sum(1 for _ in graphs(_with_one_more(rule))) - sum(1 for _ in graphs(rule))
            for rule in rules
        )
    except InputError:  # A rule with fields for each of its experts.
        return None
    program = routes * _program(target, stored)
    if stored > target.sizes.distinct_bytes:
        routed = [graph.weight_bytes for graph in target.graphs if graph.route is not None]
        return round(routes * sum(routed) / len(routed) + program)
    return round(sum(sum(stage) / len(stage) for stage in target.sizes.expert_bytes) + program)


def _with_one_more(rule: Rule) -> Rule:
    """The same rule for one more expert; raises InputError for one that cannot have it."""
    larger = msgspec.structs.replace(cast(msgspec.Struct, rule), experts=rule.experts + 1)
    return cast(Rule, larger)


def _program(target: Target, stored: int) -> float:
    """Bytes of a routed graph without its weights, on average; of any graph in a common file."""
    files = _Files.of(target)
    if len(files.graphs_in) < len(target.graphs):
        return max(files.total - stored, 0) / len(target.graphs)
    inside = target.weights is None
    programs = [
        files.of_path[graph.file] - inside * graph.weight_bytes
        for graph in target.graphs
        if graph.route is not None
    ]
    return max(sum(programs), 0) / len(programs)


@dataclass(frozen=True)
class _Files:
    """The files of a target, added up once: there may be one for each graph."""

    total: int
    of_path: dict[str, int]
    """Bytes of each file, and of each package that graphs are in."""
    graphs_in: Counter[str]
    """Graphs by their file."""

    @classmethod
    def of(cls, target: Target) -> "_Files":
        """Those of a target, in time proportional to its files and graphs."""
        graphs_in = Counter(graph.file for graph in target.graphs)
        of_path = dict.fromkeys(graphs_in, 0) | {file.path: file.bytes for file in target.files}
        for file in target.files:
            for up in range(1, file.path.count("/") + 1):
                package = file.path.rsplit("/", up)[0]
                if package in graphs_in:
                    of_path[package] += file.bytes
        return cls(sum(file.bytes for file in target.files), of_path, graphs_in)


def _graph(graph: Graph, target: Target, files: _Files) -> GraphSummary:
    """The summary of one graph."""
    return GraphSummary(
        name=graph.name,
        stage=graph.stage,
        route=graph.route,
        any_of=len(target.experts[graph.stage - 1]) if graph.stage and target.experts else None,
        bytes=_needed(graph, target, files),
        file=graph.file,
        entry=graph.entry,
        file_bytes=files.of_path[graph.file],
        weight_bytes=graph.weight_bytes,
        exclusive_bytes=graph.exclusive_bytes,
        placement=graph.placement,
    )


def _needed(graph: Graph, target: Target, files: _Files) -> int:
    """The graph's bytes, shared weights included."""
    if target.weights is not None:
        return files.of_path[graph.file] + graph.weight_bytes
    return files.of_path[graph.file] if files.graphs_in[graph.file] == 1 else graph.weight_bytes
