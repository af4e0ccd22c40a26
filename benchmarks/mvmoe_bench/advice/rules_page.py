"""Writes what `docs/placement.md` says of the rules, between two marks, from the rules themselves.

`python -m mvmoe_bench.advice.rules_page docs/placement.md` brings the page up to date.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_deploy import part_lookup
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.sources import Citation
from mvmoe_export.targets import engines_of

_BEGIN, _END = "<!-- begin: from the rules -->\n", "<!-- end: from the rules -->\n"


def with_rules(page: str) -> str:
    """The text of the page with what stands between its marks written anew from the rules."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + _tables() + _END + after


def _tables() -> str:
    """What each rule looks at and says, where it is known from, and what targets say of engines."""
    rules: list[EngineRule] = [
        part_lookup.find("advice", name) for name in part_lookup.built_in_names("advice")
    ]
    engines = [
        engine
        for target in part_lookup.built_in_names("targets")
        for engine in engines_of(target, plugins=False)
    ]
    units = {
        unit.title: unit.call.value
        for engine in engines
        if (unit := engine.accelerator) and unit.call
    }
    return "\n".join(
        (
            _table(
                ("rule", "looks at", "says", "gravity"),
                ((f"`{rule.name}`", rule.looks_at, rule.says, rule.gravity) for rule in rules),
            ),
            "Why it matters, and where it is known from:\n",
            _table(
                ("rule", "reason", "sources"),
                ((f"`{rule.name}`", rule.reason, _linked(rule.sources)) for rule in rules),
            ),
            "What targets say of their engines:\n",
            _table(
                ("engine", "chosen by", "a few pieces", "axes at most", "sources"),
                map(_engine, engines),
            ),
            "What the estimates of `dispatch-cost` assume:\n",
            _table(
                ("unit", "a call", "the unit computes", "the CPU computes"),
                (
                    (
                        title,
                        f"{cost.call_ms} ms",
                        f"{cost.gflops} GFLOP/s in fp16",
                        f"{cost.cpu_gflops:.0f} GFLOP/s in fp32",
                    )
                    for title, cost in units.items()
                ),
            ),
        )
    )


def _engine(engine: EngineFacts) -> tuple[str, ...]:
    """The row of one engine."""
    chosen = (f"`{option}` {' or '.join(values)}" for option, values in engine.chosen_by.items())
    return (
        engine.title,
        ", ".join(chosen) or "always",
        str(engine.few_partitions),
        str(engine.most_axes or "any"),
        _linked((*engine.sources, *engine.axes_sources, *_of_bytes(engine))),
    )


def _of_bytes(engine: EngineFacts) -> tuple[Citation, ...]:
    """Of what saves bytes alone."""
    return tuple(source for sources in engine.bytes_only.values() for source in sources)


def _linked(sources: Iterable[Citation]) -> str:
    """Sources with their links."""
    return "; ".join(source.markdown for source in sources)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_rules(path.read_text()))
