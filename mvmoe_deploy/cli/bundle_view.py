"""A bundle as `mvmoe inspect` and `mvmoe export` show it."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import msgspec

from mvmoe_deploy.bundle.bound_weights import budgets_note
from mvmoe_deploy.bundle.manifest import IN_GRAPH
from mvmoe_deploy.bundle.summary import BundleSummary, summarize
from mvmoe_deploy.cli.precision_view import precision_lines, precision_rows
from mvmoe_deploy.cli.tables import model_line, percent, route_text, size, table
from mvmoe_deploy.routing.contract import CallersRule
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mvmoe_deploy.bundle.manifest import Manifest, Placement
    from mvmoe_deploy.bundle.summary import GraphSummary, SizeReport, TargetSummary
    from mvmoe_deploy.routing import Route, Rule

_MOST_GRAPHS = 12
"""Graphs of one target that are shown; `--json` has all."""
_MOST_RANGES = 8
"""Ranges of experts that are shown of one target."""
_MOST_STAGES = 3
"""Stages with experts of the same size that are told by their numbers."""
_MOST_NAMES = 12
"""Names of routes that are shown of one rule."""


class BundleView(BundleSummary, frozen=True, kw_only=True):
    """A bundle's summary, where it is, and the hash that pins its manifest."""

    bundle: str
    manifest_sha256: str | None
    notes: tuple[str, ...] = ()
    """What the export found in the checkpoint."""
    removed_targets: dict[str, str] = msgspec.field(default_factory=dict)
    """Targets in the manifest whose files are not there any more, each with what is missing."""

    @classmethod
    def of(
        cls,
        bundle: str,
        manifest: "Manifest",
        sha256: str | None,
        notes: Sequence[str] = (),
        removed_targets: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        """The view of a bundle."""
        summary = msgspec.structs.asdict(summarize(manifest))
        return cls(
            bundle=bundle,
            manifest_sha256=sha256,
            notes=tuple(notes),
            removed_targets=dict(removed_targets),
            **summary,
        )


def show_bundle(out: "Console", view: BundleView) -> None:
    """A bundle: model, targets, graphs."""
    model = view.model
    out.print(f"{view.bundle}: {model.name} ({model.family})")
    if view.manifest_sha256:
        out.print(f"  manifest: SHA-256 {view.manifest_sha256}")
    out.print(f"  {model_line(model.params_total, model.params_active, model.macs)}")
    _show_routing(out, view)
    for output in view.outputs:
        labels = f", {counted(len(output.labels), 'label')}" if output.labels else ""
        sizes = " x ".join(map(str, output.shape))
        out.print(f"  output: {output.name} ({output.kind}), {sizes}{labels}")
    if view.source.weights:
        out.print(f"  weights: {view.source.weights} of the checkpoint")
    _show_input(out, view)
    for name, target in view.targets.items():
        if name in view.removed_targets:
            out.print(f"\ntarget {name}: not there; {view.removed_targets[name]}")
        else:
            _show_target(out, name, target)
    if view.precisions:
        out.print("\nprecisions of one format, side by side:")
        out.print(precision_rows(view.precisions))


def _show_routing(out: "Console", view: BundleView) -> None:
    """The rule of each routed stage, stages in a row that have the same in one line."""
    if not view.routing:
        out.print("  routing: none; every image runs the same graph")
    stage = 0
    for (rule, finishes), alike in groupby(zip(view.routing, view.finishes, strict=True)):
        first, stage = stage + 1, stage + len(list(alike))
        where = f" of {_stages(first, stage)}" if len(view.routing) > 1 else ""
        out.print(f"  routing{where}: {rule.describe()}{_ends(finishes)}")
        _show_choices(out, rule)
    for fixed in view.restrictions:
        what = (
            f"every image takes {route_text(fixed.route)}"
            if fixed.route is not None
            else f"experts {route_text(fixed.kept or ())} are kept"
        )
        where = f"restricted at stage {fixed.stage} of the model"
        out.print(f"  {where}: {what} ({fixed.rule.describe()} before)")


def _stages(first: int, last: int) -> str:
    """Routed stages in a row; the first routed one is stage 1."""
    return f"stage {first}" if first == last else f"stages {first} to {last}"


def _ends(finishes: "Sequence[Route]") -> str:
    """On which routes an image is finished; of many the first."""
    if not finishes:
        return ""
    shown = "; ".join(route_text(route) for route in finishes[:_MOST_NAMES])
    more = ", ..." if len(finishes) > _MOST_NAMES else ""
    return f"; finishes an image on {shown}{more}"


def _show_choices(out: "Console", rule: "Rule") -> None:
    """The names that a caller may give, with the route of each; of many only the first."""
    if not isinstance(rule, CallersRule):
        return
    for name in sorted(rule.named)[:_MOST_NAMES]:
        out.print(f"    {rule.choice}={name}: {route_text(rule.named[name])}")
    if len(rule.named) > _MOST_NAMES:
        out.print(f"    ... and {len(rule.named) - _MOST_NAMES} more (all are in --json)")


def _show_input(out: "Console", view: BundleView) -> None:
    """The input; each value that nobody stated or that an option gave is marked as such."""
    of_rule = sorted(view.input.rule.reads)
    marked = []
    for name in ("channel_order", "resize", *of_rule, "interpolation", "mean", "std"):
        value, origin = getattr(view.input, name), view.input_origins.get(name)
        text = ", ".join(f"{number:g}" for number in value) if isinstance(value, tuple) else value
        mark = f" ({origin})" if origin in ("default", "option") else ""
        marked.append(f"{name} {text}{mark}")
    out.print(f"  input: {' x '.join(map(str, view.input_shape))}; {'; '.join(marked)}")


def _show_target(out: "Console", name: str, target: "TargetSummary") -> None:
    """One target: its options, graphs, placement, size, and how it was verified."""
    inside = ", routers in the graph" if target.routers == IN_GRAPH else ""
    out.print(
        f"\ntarget {name}: strategy {target.strategy}{inside}, {target.precision}, batch "
        f"{target.batch}, {size(target.bytes)} on disk"
    )
    _show_options(out, target)
    out.print(graph_rows(target.graphs))
    _show_ranges(out, name, target)
    _show_placement(out, target.graphs)
    if target.sizes is not None:
        show_sizes(out, target.sizes)
    if target.parity is not None and (found := target.parity.verification):
        largest = max(output.max_abs_error for output in found.outputs.values())
        images = counted(found.images, "image")
        forced = counted(found.forced_routes, "forced route")
        out.print(
            f"  verified on {images} and {forced}: same route "
            f"{percent(found.routing_agreement)}, largest error {largest:.1e}"
        )
    for line in precision_lines(target):
        out.print(f"  {line}", markup=False)


def _show_options(out: "Console", target: "TargetSummary") -> None:
    """The options of a target's format, and the rewrites of its graphs."""
    options = [f"{name.replace('_', ' ')} {value}" for name, value in target.options.items()]
    rewrites = ", ".join(target.rewrites) or "none"
    out.print(f"  {', '.join([target.format, *options])}; rewrites: {rewrites}")


def graph_rows(graphs: Sequence["GraphSummary"]) -> "Table":
    """Graphs by size; of many only the first."""
    together = len({graph.file for graph in graphs}) < len(graphs)
    rows = table("graph", "route", "graph file", "weights read", "its alone", right=(2, 3, 4))
    for graph in graphs[:_MOST_GRAPHS]:
        rows.add_row(
            graph.name,
            _served(graph),
            "in one file" if together else size(graph.file_bytes),
            size(graph.weight_bytes),
            size(graph.exclusive_bytes),
        )
    if len(graphs) > _MOST_GRAPHS:
        rows.add_row(f"... and {len(graphs) - _MOST_GRAPHS} more")
    return rows


def _served(graph: "GraphSummary") -> str:
    """The route of a graph, or of how many experts it serves any."""
    if graph.any_of is None:
        return route_text(graph.route)
    length = len(graph.route or ())
    return f"any of {graph.any_of}" if length == 1 else f"any {length} of {graph.any_of}"


def _show_ranges(out: "Console", name: str, target: "TargetSummary") -> None:
    """Where the weights of experts are in the target's file, of many only the first."""
    if not target.ranges:
        return
    rows = table("stage", "expert", "offset", "bytes", "tensors", right=range(5))
    found = [
        (stage, number, one)
        for stage, row in enumerate(target.ranges, start=1)
        for number, one in enumerate(row)
    ]
    for stage, number, one in found[:_MOST_RANGES]:
        cells = (stage, number, one.offset, one.bytes, one.tensors)
        rows.add_row(*(f"{cell:,}" for cell in cells))
    out.print(rows)
    if len(found) > _MOST_RANGES:
        out.print(f"... and {len(found) - _MOST_RANGES} more")
    out.print(f"  {budgets_note(name)}")


def _show_placement(out: "Console", graphs: Sequence["GraphSummary"]) -> None:
    """Partitions for each engine, graphs with the same placement in one line."""
    alike: dict[str, list[str]] = {}
    for graph in graphs:
        for found in graph.placement:
            alike.setdefault(_placement_line(found), []).append(graph.name)
    for line, names in sorted(alike.items()):
        which = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        out.print(f"  {line} ({which})")


def _placement_line(found: "Placement") -> str:
    """One engine's partitions of one graph."""
    pieces = counted(found.partitions, "partition")
    one = "node" if found.nodes_outside == 1 else "nodes"
    of = f" of {found.nodes}" if found.nodes is not None else ""
    outside = ", ".join(f"{name} x{count}" for name, count in found.outside.items())
    verdict = f", verdict {found.verdict}" if found.verdict else ""
    left = f"{found.nodes_outside}{of} {'nodes' if of else one} outside"
    return f"{found.engine}: {pieces}, {left}{f': {outside}' if outside else ''}{verdict}"


def _each_expert(experts: Sequence[int]) -> str:
    """What each expert of a stage takes."""
    least, most = size(min(experts)), size(max(experts))
    each = least if least == most else f"{least} to {most}"
    return f"each of {len(experts)} experts{{where}} {each}"


def _alike(texts: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The stages of each text, counted from 1."""
    found: dict[str, list[int]] = {}
    for stage, text in enumerate(texts, start=1):
        found.setdefault(text, []).append(stage)
    return found


def _in_words(stages: Sequence[int]) -> str:
    """Stages; of many the first ones."""
    shown = ", ".join(map(str, stages[:_MOST_STAGES]))
    more = f" and {len(stages) - _MOST_STAGES} more" if len(stages) > _MOST_STAGES else ""
    return f"{'stage' if len(stages) == 1 else 'stages'} {shown}{more}"


def show_sizes(out: "Console", sizes: "SizeReport") -> None:
    """What sharing saves, and what an expert costs."""
    shared = size(sizes.shared)
    routed = any(sizes.experts)
    line = (
        f"  weights: {f'shared by all experts {shared}' if routed else f'{shared} for every image'}"
    )
    costs = [_each_expert(experts) for experts in sizes.experts]
    for cost, stages in _alike(costs).items():
        where = f" of {_in_words(stages)}:" if len(costs) > 1 else ""
        line += f"; {cost.format(where=where)}"
    out.print(line)
    more = sizes.one_more_expert
    out.print(
        f"  sharing saves {size(sizes.saved)} against a file of its own for each graph"
        + (f"; one more expert costs {size(more)}" if more else "")
    )
    if sizes.repeated:
        out.print(
            f"  {size(sizes.repeated)} are stored more than once: this deployment target "
            "cannot share weights between graphs, iOS18 can"
        )
