"""docs/performance.md, from what was measured: words and numbers come from nowhere else."""

from pathlib import Path
from typing import Any

from mvmoe_bench.figures import Summary
from mvmoe_bench.figures.ratios import RatioFigure
from mvmoe_bench.figures.summary import SubjectFigure
from mvmoe_bench.standing.measuring import Scale, Standing
from mvmoe_bench.statistics import Ratio
from mvmoe_deploy import files

WANTED_OVER_STATIC = 1.02
WANTED_FLAT = 0.03
"""How far the latency with the most experts may be from that with the fewest."""

_PARTS = ("stem", "select", "load", "expert", "rest")


def write_page(standing: Standing, path: Path) -> None:
    """Write the page in one step; raises OutputError."""
    text = render(standing)
    files.write_file(path, lambda partial: partial.write_text(text))


def render(standing: Standing) -> str:
    """The page as Markdown."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mvmoe_bench.standing", "."),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        # Nothing here is HTML.
        autoescape=False,
    )
    environment.filters |= {"ratio": _ratio, "ms": _ms, "mb": _mb, "interval": _interval}
    return environment.get_template("performance.md.j2").render(
        standing=standing,
        machine=_machine(standing.rivals),
        run=standing.rivals,
        residency=standing.residency,
        taken=_taken(standing.rivals),
        experts=standing.rivals.bundles[0].experts[0],
        wall=[ratio for ratio in standing.rivals.ratios if ratio.clock == "wall"],
        cpu={(r.name, r.target): r for r in standing.rivals.ratios if r.clock == "cpu"},
        verdict=_verdict,
        meaning=_MEANING,
        subjects=[s for s in standing.rivals.subjects if s.latency is not None],
        scales=[_scale(standing, scale) for scale in standing.scales],
        flat=_flat(standing.scales),
        naive=_naive(standing.naive),
        starts=[s for s in standing.rivals.subjects if s.starts is not None],
        reach=_reach,
    )


_MEANING = {
    "dispatcher/static": "what not knowing the expert beforehand costs",
    "all-experts/dispatcher": "what tracing the model gives, over ours",
    "gather/dispatcher": "weights gathered in one graph, over ours",
    "dense/dispatcher": "as many multiply-accumulates without a router, over ours",
    "eager/dispatcher": "PyTorch, over ours",
}


def _taken(run: Summary) -> int:
    """Routes that the pictures took."""
    return sum(row.observed > 0 for row in run.routes[0].rows)


def _verdict(ratio: RatioFigure) -> str:
    """Whether a ratio is what is wanted of it, as far as its interval tells."""
    if ratio.name != "dispatcher/static":
        return ""
    return _judged(ratio.ratio, WANTED_OVER_STATIC)


def _judged(ratio: Ratio, most: float) -> str:
    """A limit, and whether the ratio keeps it."""
    if ratio.low is None:
        state = "met" if ratio.value <= most else "not met"
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


def _scale(standing: Standing, scale: Scale) -> dict[str, Any]:
    """A row of the scaling table."""
    subject = standing.scaling.subject(scale.subject)
    memory = {figure.budget: figure for figure in subject.memory}
    return {
        "experts": scale.experts,
        "params": scale.params,
        "ms": subject.latency.wall_ms if subject.latency else None,
        "ratio": scale.ratio,
        "start": subject.starts.total_ms if subject.starts else None,
        "opened": _opened(subject),
        "seconds": scale.export_seconds,
        "bytes": scale.bytes,
        "one": memory[1].added_bytes.value if 1 in memory else None,
    }


def _opened(subject: SubjectFigure) -> float | None:
    """Milliseconds from opening the bundle to the first answer: parse, hash, open, answer."""
    if subject.starts is None:
        return None
    own = ("parse", "hash", "open", "first")
    return sum(part.median_ms for part in subject.starts.parts if part.name in own)


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
    told = run.identity
    packages = ", ".join(
        f"{name} {version}" for name, version in told["packages"].items() if version
    )
    load = told.get("load_average")
    return (
        f"{told['cpu']}, {told['cores_logical']} cores, {told['memory_bytes'] / 2**30:.0f} GB, "
        f"{told['os']}, Python {told['python']}; {packages}; commit {told.get('commit') or '-'}; "
        f"load average at the start {load[0] if load else '-'}"
    )


def _reach(subject: SubjectFigure) -> str:
    """Useful GFLOP/s and what part of the matrix product's speed they are."""
    if subject.useful_gflops is None or subject.of_yardstick is None:
        return "-"
    return f"{subject.useful_gflops:.1f} ({subject.of_yardstick:.0%})"


def _ratio(ratio: Ratio) -> str:
    """A ratio with its interval."""
    if ratio.low is None:
        return f"{ratio.value:.3f}"
    return f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


def _interval(estimate: Any) -> str:
    """The interval of milliseconds, if there is one."""
    if estimate.low is None:
        return "-"
    return f"{_ms(estimate.low)} to {_ms(estimate.high)}"


def _ms(value: float | None) -> str:
    """Milliseconds in three figures."""
    return "-" if value is None else f"{value:#.3g}".rstrip(".")


def _mb(value: float | None) -> str:
    """Megabytes."""
    return "-" if value is None else f"{value / 1e6:.1f}"
