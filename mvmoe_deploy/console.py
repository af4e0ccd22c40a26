"""What the command line shows a person: tables on stdout, progress and errors on stderr.

Nothing here computes; nothing but `cli.py` imports it.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Container, Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from mvmoe_deploy.system.terminal import SafeConsole
from mvmoe_deploy.text import escaped, one_line

_PIPE_WIDTH = 1000
"""Columns of a table that no terminal shows."""

Show = Callable[[Console, dict[str, Any]], None]
"""Prints the data of one command for a person."""

Advance = Callable[[str, str, int], None]
"""Called with a phase, the name of what was done in it, and how many such things there are."""


def emit(as_json: bool, data: dict[str, Any], show: Show) -> None:
    """Print `data` as one JSON object, or let `show` print it for a person."""
    if as_json:
        sys.stdout.write(json.dumps(data, allow_nan=False) + "\n")
        sys.stdout.flush()
    else:
        # Into a file or a pipe each row is one line, whatever is in it: people grep there.
        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        show(SafeConsole(highlight=False, markup=False, width=width), _harmless(data))


def _harmless(data: Any) -> Any:
    """Plain data with every text in it escaped: a line break in a name would forge a row."""
    if isinstance(data, str):
        return escaped(data)
    if isinstance(data, dict):
        return {_harmless(key): _harmless(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_harmless(value) for value in data]
    return data


@contextlib.contextmanager
def progress() -> Iterator[Advance]:
    """Bars on stderr if it is a terminal, one for each phase that is reported."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[item]}", style="dim", markup=False),
    )
    console = SafeConsole(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def advance(phase: str, item: str, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, item="")
            bars.update(tasks[phase], advance=1, item=item)

        yield advance


def note(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    shown = one_line(text)
    SafeConsole(stderr=True, highlight=False, soft_wrap=True).print(shown, markup=False)


def show_init(out: Console, data: dict[str, Any]) -> None:
    """A checkpoint that was made."""
    out.print(f"wrote {data['checkpoint']} ({data['family']}, random weights)")
    out.print(f"  {_model_line(data)}")


def show_training(out: Console, data: dict[str, Any]) -> None:
    """A training run: accuracy for each model, and who owns which classes."""
    rows = _table("model", "top-1", "router accuracy", "checkpoint", right=(1, 2))
    rows.add_row("dense", _percent(data["dense"]["top1"]), "-", data["dense"]["checkpoint"])
    for routing in data["routings"]:
        rows.add_row(
            routing["routing"],
            _percent(routing["top1"]),
            _percent(routing["router_accuracy"]),
            routing["checkpoint"],
        )
    out.print(rows)
    for routing in data["routings"]:
        out.print()
        out.print(f"experts of {routing['routing']} (share of test images, super-class)")
        out.print(_experts(routing))
    for change in data["data_changes"]:
        out.print(
            f"\nthe images changed after epoch {change['epoch']} of {change['phase']}: "
            f"{change['added']} added, {change['removed']} removed, {change['changed']} changed"
        )
    out.print(f"\neverything is in {data['run']}")


def show_bundle(out: Console, data: dict[str, Any]) -> None:
    """A bundle: model, targets, graphs."""
    model = data["model"]
    out.print(f"{data['bundle']}: {model['name']} ({model['family']})")
    if digest := data.get("manifest_sha256"):
        out.print(f"  manifest: SHA-256 {digest}")
    out.print(f"  {_model_line(model)}")
    for rule in data["routing"]:
        kept = "renormalized" if rule["renormalize"] else "kept as they are"
        out.print(f"  routing: top {rule['k']} of {rule['experts']} experts, gates {kept}")
    if weights := data["source"]["weights"]:
        out.print(f"  weights: {weights} of the checkpoint")
    _show_input(out, data["input"])
    for name, target in data["targets"].items():
        out.print(
            f"\ntarget {name}: strategy {target['strategy']}, {target['precision']}, batch "
            f"{target['batch']}, {_bytes(target['bytes'])} on disk"
        )
        _show_choices(out, target)
        out.print(_graph_rows(target["graphs"]))
        _show_placement(out, target["graphs"])
        _show_sizes(out, target["sizes"])
        if found := (target["parity"] or {}).get("verification"):
            out.print(
                f"  verified on {found['images']} images and {found['forced_routes']} forced "
                f"routes: same route {_percent(found['routing_agreement'])}, largest error "
                f"{found['max_abs_error']:.1e}"
            )


def _show_input(out: Console, data: dict[str, Any]) -> None:
    """The input, each value that nobody stated or that an option gave marked as such."""
    origins = data["origins"]
    crop = "resize_size" if data["resize"] == "torchvision" else "crop_fraction"
    marked = []
    for name in ("channel_order", "resize", crop, "interpolation", "mean", "std"):
        value, origin = data[name], origins.get(name)
        text = ", ".join(f"{number:g}" for number in value) if isinstance(value, list) else value
        mark = f" ({origin})" if origin in ("default", "option") else ""
        marked.append(f"{name} {text}{mark}")
    out.print(f"  input: {' x '.join(map(str, data['shape']))}; {'; '.join(marked)}")


def _show_choices(out: Console, target: dict[str, Any]) -> None:
    """What was chosen of a target's format, and what was done to its graphs."""
    chosen = [f"{name.replace('_', ' ')} {value}" for name, value in target["options"].items()]
    rewrites = ", ".join(target["rewrites"]) or "none"
    out.print(f"  {', '.join([target['format'], *chosen])}; rewrites: {rewrites}")


def _show_placement(out: Console, graphs: list[dict[str, Any]]) -> None:
    """Partitions for each engine, graphs with the same placement in one line."""
    alike: dict[str, list[str]] = {}
    for graph in graphs:
        for found in graph["placement"]:
            alike.setdefault(_placement_line(found), []).append(graph["name"])
    for line, names in sorted(alike.items()):
        which = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        out.print(f"  {line} ({which})")


def _placement_line(found: dict[str, Any]) -> str:
    """One engine's partitions of one graph."""
    pieces = f"{found['partitions']} partition{'' if found['partitions'] == 1 else 's'}"
    of = f" of {found['nodes']}" if found["nodes"] is not None else ""
    outside = ", ".join(f"{name} x{count}" for name, count in found["outside"].items())
    verdict = f", verdict {found['verdict']}" if found["verdict"] else ""
    left = f"{found['nodes_outside']}{of} nodes outside"
    return f"{found['engine']}: {pieces}, {left}{f': {outside}' if outside else ''}{verdict}"


def _show_sizes(out: Console, sizes: dict[str, Any] | None) -> None:
    """What sharing saves, and what an expert costs."""
    if sizes is None:
        return
    line = f"  weights: {_bytes(sizes['shared'])} for every expert"
    for stage, experts in enumerate(sizes["experts"], start=1):
        where = f" of stage {stage}" if len(sizes["experts"]) > 1 else ""
        least, most = _bytes(min(experts)), _bytes(max(experts))
        each = least if least == most else f"{least} to {most}"
        line += f", {each} for each of {len(experts)} experts{where}"
    out.print(line)
    out.print(
        f"  sharing saves {_bytes(sizes['saved'])} against a file of its own for each graph"
        + (f"; one more expert costs {_bytes(more)}" if (more := sizes["one_more_expert"]) else "")
    )
    if sizes["repeated"]:
        out.print(
            f"  {_bytes(sizes['repeated'])} are stored more than once: this deployment target "
            "cannot share weights between graphs, iOS18 can"
        )


def show_verification(out: Console, data: dict[str, Any]) -> None:
    """Parity: for each target its figures, its routers, and every route."""
    source = "PyTorch" if data["reference"] == "pytorch" else "the golden vectors"
    out.print(f"{data['bundle']} against {source} on {data['images']} images")
    for name, target in data["targets"].items():
        verdict = "within its bounds" if target["ok"] else "FELL SHORT"
        out.print(
            f"\ntarget {name} ({target['strategy']}, {target['precision']}): {verdict}; same route "
            f"{_percent(target['routing_agreement'])}"
        )
        instead = f", in place of {absent}" if (absent := target["stands_in_for"]) else ""
        out.print(f"  run by {target['engine']}{instead}")
        out.print(_parity_rows(target))
        out.print()
        out.print(_route_parity_rows(target["routes"]))
        _show_routers(out, target)
        for failure in target["failures"]:
            out.print(Text(f"  {failure['sentence']}", style="red"))
    _show_skipped(out, data["skipped"])


def _show_skipped(out: Console, skipped: dict[str, str]) -> None:
    """Targets that this machine cannot run."""
    for name, reason in skipped.items():
        out.print(f"\ntarget {name}: not verified; {reason}")


def _parity_rows(target: dict[str, Any]) -> Table:
    """Answers over all images and over those that agree."""
    rows = _table(
        "answers of", "images", "same top-1", "max error", "RMS", "PSNR", right=range(1, 6)
    )
    for what, errors in (
        ("all images", target),
        ("images on the same route", target["agreeing"]),
        ("all, forced down PyTorch's route", target["same_route"]),
    ):
        if errors is not None:
            rows.add_row(what, str(errors["images"]), *_error_cells(errors))
    return rows


def _route_parity_rows(routes: list[dict[str, Any]]) -> Table:
    """Every route of every stage."""
    rows = _table(
        "stage", "route", "images", "same top-1", "max error", "RMS", "PSNR", "", right=range(2, 7)
    )
    for row in routes:
        if not row["checked"]:
            state = "not checked: needs --checkpoint"
        elif not row["ok"]:
            state = Text("beyond its bound", style="red")
        else:
            state = "forced" if row["forced"] else ""
        cells = _error_cells(row) if row["checked"] else ["-"] * 4
        rows.add_row(str(row["stage"]), _route(row["route"]), str(row["images"]), *cells, state)
    return rows


def _error_cells(errors: dict[str, Any]) -> list[str]:
    """Top-1 agreement, largest and RMS error, PSNR."""
    exact = errors["max_abs_error"] == 0
    numbers = [errors["max_abs_error"], errors["rms_error"]]
    psnr = errors["psnr_db"]
    return [
        _percent(errors["top1_agreement"]),
        *map(_scientific, numbers),
        f"{psnr:.1f} dB" if psnr is not None else "exact" if exact else "-",
    ]


def _show_routers(out: Console, target: dict[str, Any], most: int = 10) -> None:
    """Routers by their margins, then near-ties; of many only the first."""
    for stage in target["stages"]:
        margin = stage["margin"]
        spread = "no margin: every expert is used"
        if margin is not None:
            spread = (
                f"margins {margin['min']:.2g} to {margin['max']:.2g}, median {margin['p50']:.2g}"
            )
        out.print(
            f"\nrouter of stage {stage['stage']}: largest error of a logit "
            f"{_scientific(stage['router_max_abs_error'])}, {spread}"
        )
    ties = target["near_ties"]
    for tie in ties[:most]:
        out.print(
            f"  near-tie: {tie['image']}, margin {tie['margin']:.1e}, PyTorch takes "
            f"{_route(tie['route'])}, the target {_route(tie['target_route'])}"
        )
    if len(ties) > most:
        out.print(f"  ... and {len(ties) - most} more near-ties (all are in --json)")


def _scientific(number: float | None) -> str:
    return "not finite" if number is None else f"{number:.1e}"


def show_results(out: Console, data: dict[str, Any]) -> None:
    """Answers, one image a line."""
    rows = _table("image", "label", "probability", "route", "gates", "ms", right=(2, 4, 5))
    for result in data["results"]:
        if "error" in result:
            rows.add_row(result["image"], Text(f"error: {result['error']}", style="red"))
            continue
        rows.add_row(
            result["image"],
            result["label"],
            f"{result['probability']:.3f}",
            _route(result["route"]),
            ", ".join(f"{gate:.3f}" for gate in _flat(result["gates"])),
            f"{result['timings_ms']['total']:.2f}",
        )
    out.print(rows)


def show_advice(out: Console, data: dict[str, Any]) -> None:
    """What the placement advisor thinks, the gravest first; every line an estimate."""
    out.print("ESTIMATE, not measured: what is publicly known of engines, applied to the graphs\n")
    if not data["advice"]:
        out.print("nothing to say")
    for item in data["advice"]:
        where = "/".join(part for part in (item["target"], item["graph"]) if part)
        engine = f", {item['engine']}" if item["engine"] else ""
        out.print(f"{item['severity']:8} {where}{engine}: {item['text']}")
        out.print(f"{'':8} because: {item['reason']}")
        out.print(f"{'':8} source: {item['source']} (rule {item['rule']})\n")


def show_report(out: Console, data: dict[str, Any]) -> None:
    """What `mvmoe report` prints."""
    out.print(f"wrote {data['report']} ({data['format']}) of {data['runs']} run(s)")


def show_demo(out: Console, data: dict[str, Any]) -> None:
    """The demo: model and bundle side by side, usage, and where everything is."""
    out.print(f"{data['images']} held-out digits, answered by both\n")
    rows = _table("", "top-1", right=(1,))
    rows.add_row("dense PyTorch baseline", _percent(data["top1_dense"]))
    rows.add_row("routed PyTorch model", _percent(data["top1_pytorch"]))
    out.print(rows)
    out.print("\nthe bundle against the routed model, target by target")
    out.print(_target_rows(data["targets"]))
    out.print()
    out.print(_usage_rows(data))
    out.print()
    for sentence in data["measured"]:
        out.print(sentence)
    out.print()
    for what, where in data["files"].items():
        out.print(f"{what:13} {where}")
    out.print(f"\ntry: mvmoe run {data['files']['bundle']} {data['files']['images']}")


def _target_rows(targets: list[dict[str, Any]]) -> Table:
    """Each target: who ran it, what it weighs, and how near it came."""
    rows = _table(
        "target",
        "run by",
        "weights",
        "bytes",
        "top-1",
        "same route",
        "max error",
        right=range(3, 7),
    )
    for target in targets:
        rows.add_row(
            target["target"],
            target["engine"],
            target["precision"],
            _bytes(target["bytes"]),
            _percent(target["top1"]),
            _percent(target["routing_agreement"]),
            _scientific(target["max_abs_error"]),
        )
    return rows


def _usage_rows(data: dict[str, Any]) -> Table:
    """Experts by the images they answered, with the classes they own."""
    rows = _table("expert", "images", "super-class", right=(1,))
    for item in data["usage"]:
        owned = [", ".join(data["super_classes"][expert]) for expert in item["route"]]
        rows.add_row(_route(item["route"]), str(item["images"]), " | ".join(owned))
    return rows


def _experts(routing: dict[str, Any]) -> Table:
    """Experts of one routing by usage, a column for each routed stage."""
    stages = routing["expert_usage"]
    names = [f"stage {i}" if len(stages) > 1 else "usage" for i in range(1, len(stages) + 1)]
    rows = _table("expert", *names, "classes", right=tuple(range(1, len(stages) + 1)))
    owned = routing["super_classes"] or [[]] * len(stages[0])
    for expert, classes in enumerate(owned):
        shares = [_percent(stage[expert]) for stage in stages]
        rows.add_row(str(expert), *shares, ", ".join(classes) or "-")
    return rows


def _graph_rows(graphs: list[dict[str, Any]], most: int = 12) -> Table:
    """Graphs by size; of many only the first."""
    together = len({graph["file"] for graph in graphs}) < len(graphs)
    rows = _table("graph", "route", "graph file", "weights read", "its alone", right=(2, 3, 4))
    for graph in graphs[:most]:
        rows.add_row(
            graph["name"],
            _route(graph["route"]),
            "in one file" if together else _bytes(graph["file_bytes"]),
            _bytes(graph["weight_bytes"]),
            _bytes(graph["exclusive_bytes"]),
        )
    if len(graphs) > most:
        rows.add_row(f"... and {len(graphs) - most} more")
    return rows


def _model_line(model: dict[str, Any]) -> str:
    return (
        f"{model['params_total'] / 1e6:.3f} M parameters, {model['params_active'] / 1e6:.3f} M "
        f"active an image, {model['macs'] / 1e6:.1f} M multiply-accumulates"
    )


def _table(*columns: str, right: Container[int] = ()) -> Table:
    """An empty table; the columns in `right` hold numbers."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(columns):
        rows.add_column(column, justify="right" if position in right else "left", overflow="fold")
    return rows


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _route(route: Any) -> str:
    """A route as `3` or `2+7`; of several stages `3 > 2+7`; `-` where nothing is routed."""
    if not route:
        return "-"
    if isinstance(route[0], list | tuple):
        return " > ".join(map(_route, route))
    return "+".join(map(str, route))


def _flat(gates: Any) -> list[float]:
    """Gates of one or several stages in a row."""
    return [gate for part in gates for gate in (part if isinstance(part, list | tuple) else [part])]
