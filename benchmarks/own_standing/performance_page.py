"""docs/performance.md, from what was measured: words and numbers come from nowhere else."""

from pathlib import Path
from typing import Any

from mvmoe_bench.report.formatting import no_verdict, percent
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.sections.machine.figures import Use
from mvmoe_bench.report.sections.ratios.figures import RatioFigure
from mvmoe_bench.report.statistics import Estimate, Ratio, conclusive
from mvmoe_deploy.system import files, output_places
from own_standing.measuring import OwnPerformance, Scale

WANTED_OVER_STATIC = 1.02
WANTED_FLAT = 0.03
"""How far the latency with the most experts may be from that with the fewest."""


def write_page(own: OwnPerformance, path: Path) -> None:
    """Write the page in one step, over one that `make bench` wrote; raises as `require_free`."""
    text = render(own)
    files.write_file(path, lambda partial: partial.write_text(text), _foreign)


def require_free(path: Path) -> None:
    """Refuse a path where something else is; raises InputError or OutputError."""
    output_places.require_file(path, _foreign)


_foreign = output_places.foreign_without([b"Written by `make bench`"], "page of `make bench`")


def render(own: OwnPerformance) -> str:
    """The page as Markdown."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("own_standing", "."),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        # Nothing here is HTML.
        autoescape=False,
    )
    environment.filters |= {"both": _both, "value": _value, "span": _span, "alone": _alone}
    return environment.get_template("performance.md.j2").render(
        own=own,
        machine=_machine(own.baselines),
        run=own.baselines,
        residency=own.residency,
        resumed=any(run.resumed for run in (own.baselines, own.residency, own.scaling)),
        taken=_taken(own.baselines),
        experts=own.baselines.bundles[0].experts[0],
        wall=[ratio for ratio in own.baselines.sections["ratios"] if ratio.clock == "wall"],
        cpu={(r.name, r.target): r for r in own.baselines.sections["ratios"] if r.clock == "CPU"},
        verdict=_verdict,
        meaning=_MEANING,
        latencies=own.baselines.sections["latency"],
        host=own.host,
        host_times=own.baselines.sections.get("host-time", ()),
        parts=own.baselines.sections.get("parts", {}),
        uses=own.baselines.sections["machine"].uses,
        reference=own.baselines.sections["machine"].reference,
        scales=[_scale(own, scale) for scale in own.scales],
        flat=_flat(own.scales),
        naive=_naive(own.naive),
        starts=own.baselines.sections["starts"].starts,
        reach=_reach,
        percent=percent,
    )


_MEANING = {
    "dispatcher/bare": "what lies between the graphs and around them",
    "dispatcher/static": "what not knowing the expert beforehand costs",
    "all-experts/dispatcher": "what tracing the model gives, over ours",
    "gather/dispatcher": "weights gathered in one graph, over ours",
    "dense/dispatcher": "as many multiply-accumulates without a router, over ours",
    "eager/dispatcher": "PyTorch, over ours",
}


def _taken(run: Summary) -> int:
    """Routes that the pictures took."""
    return sum(row.observed > 0 for row in next(iter(run.sections["routes"].values())).rows)


def _verdict(ratio: RatioFigure) -> str:
    """Whether a ratio is what is wanted of it, as far as its interval tells."""
    if ratio.name != "dispatcher/static":
        return ""
    return _judged(ratio.ratio, WANTED_OVER_STATIC)


def _judged(ratio: Ratio, most: float) -> str:
    """A limit, and whether the ratio keeps it."""
    if not conclusive(ratio) or ratio.low is None or ratio.high is None:
        state = no_verdict(ratio)
    elif ratio.high <= most:
        state = "met"
    elif ratio.low > most:
        state = "not met"
    else:
        state = f"{'met' if ratio.value <= most else 'not met'} by the median, within the interval"
    return f"at most {most:g}: {state}"


def _flat(scales: tuple[Scale, ...]) -> str:
    """Whether latency stays the same with more experts."""
    return _judged(scales[-1].ratio, 1 + WANTED_FLAT)


def _scale(own: OwnPerformance, scale: Scale) -> dict[str, Any]:
    """A row of the scaling table."""
    sections, key = own.scaling.sections, scale.subject
    latency = sections["latency"].get(key)
    starts = sections["starts"].starts.get(key) if "starts" in sections else None
    memory = {its.budget: its for its in sections.get("memory", ()) if its.subject == key}
    return {
        "experts": scale.experts,
        "params": scale.params,
        "ms": latency.wall_ms if latency else None,
        "ratio": scale.ratio,
        "ready": starts.ready_ms if starts else None,
        "python": starts.python_ms if starts else None,
        "seconds": scale.export_seconds,
        "bytes": scale.bytes,
        "one": memory[1].added.total if 1 in memory else None,
    }


def _naive(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the naive export against ours."""
    rows = []
    for name, ratio in data["naive_over_ours"].items():
        target = name.removesuffix(" ours")
        naive = f"{target.split('-', maxsplit=1)[0]} naive"
        rows.append(
            {
                "target": target,
                "ours": data["ms"][name],
                "naive": data["ms"][naive],
                "ratio": Ratio(**ratio),
                "pieces": _pieces(data["placement"], name, naive),
            }
        )
    return rows


def _pieces(placement: dict[str, list[dict[str, Any]]], ours: str, naive: str) -> str:
    """Partitions of stem and expert, naive and ours, for the engine that the target is made for."""
    engine = _ENGINES.get(ours.removesuffix(" ours"))
    found = {}
    for which in (naive, ours):
        lines = [line for line in placement[which] if line["engine"] == engine]
        found[which] = " and ".join(str(line["partitions"]) for line in lines)
    return f"{found[naive]} to {found[ours]}" if found[ours] else "-"


_ENGINES = {"executorch": "xnnpack", "onnx-nnapi": "nnapi", "onnx-coreml-ep": "coreml-ep"}


def _machine(run: Summary) -> str:
    """What it was measured on."""
    host = run.identity
    packages = ", ".join(
        f"{name} {version}" for name, version in host["packages"].items() if version
    )
    load = host.get("load_average")
    return (
        f"{host['cpu']}, {host['cores_logical']} cores, {host['memory_bytes'] / 2**30:.0f} GiB, "
        f"{host['os']}, Python {host['python']}; {packages}; commit {host.get('commit') or '-'}; "
        f"load average at the start {load[0] if load else '-'}"
    )


def _reach(use: Use | None) -> str:
    """Useful GFLOP/s and what part of the matrix product's speed they are."""
    if use is None or use.of_reference is None:
        return "-"
    return f"{alone(use.gflops.value)} ({percent(use.of_reference)})"


def _both(its: Estimate | None, scale: float = 1.0) -> str:
    """A figure with its interval in brackets."""
    if its is None:
        return "-"
    shown = printed(its, scale)
    if shown.low is None:
        return shown.value
    return f"{shown.value} ({'roughly ' * shown.rough}{shown.span})"


def _value(its: Estimate | None, scale: float = 1.0) -> str:
    """A figure, as its interval says."""
    return "-" if its is None else printed(its, scale).value


def _span(its: Estimate | None) -> str:
    """The interval of a figure."""
    return "-" if its is None else printed(its).span


def _alone(value: float | None) -> str:
    """A number without an interval."""
    return "-" if value is None else alone(value)
