"""Writes what `docs/placement.md` says of the rules, between two marks, from the rules themselves.

`python -m mvmoe_bench.advice.page docs/placement.md` brings the page up to date.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.rules import dispatch_cost
from mvmoe_deploy import parts
from mvmoe_export.targets import engines_of

_BEGIN, _END = "<!-- begin: from the rules -->\n", "<!-- end: from the rules -->\n"


def with_rules(page: str) -> str:
    """The text of the page with what stands between its marks written anew from the rules."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + _tables() + _END + after


def _tables() -> str:
    """What each rule looks at and says, where it is known from, and how times are estimated."""
    rules: list[EngineRule] = [
        parts.find("advice", name) for name in parts.built_in_names("advice")
    ]
    known = [
        (f"`{rule.name}`", rule.reason, "; ".join(source.markdown for source in rule.sources))
        for rule in rules
    ]
    looks = [(f"`{rule.name}`", rule.looks_at, rule.says, rule.gravity) for rule in rules]
    figures = [
        ("a call of the Neural Engine", f"{dispatch_cost.CALL_MS} ms"),
        (
            "the Neural Engine, blocks of a ViT with 197 tokens",
            f"{dispatch_cost.ENGINE_GFLOPS} GFLOP/s in fp16",
        ),
        (
            "the CPU, a product of 64 x 256 x 256 in 0.026 ms",
            f"{dispatch_cost.CPU_GFLOPS:.0f} GFLOP/s in fp32",
        ),
    ]
    engines = [
        (
            engine.title,
            ", ".join(f"`{option}` {' or '.join(its)}" for option, its in engine.chosen_by.items())
            or "always",
            str(engine.few_partitions),
            str(engine.most_axes or "any"),
            "; ".join(source.markdown for source in (*engine.sources, *engine.axes_sources)),
        )
        for target in parts.built_in_names("targets")
        for engine in engines_of(target, plugins=False)
    ]
    return "\n".join(
        (
            _table(("rule", "looks at", "says", "gravity"), looks),
            "Why it matters, and where it is known from:\n",
            _table(("rule", "reason", "sources"), known),
            "What targets say of their engines:\n",
            _table(("engine", "chosen by", "a few pieces", "axes at most", "sources"), engines),
            "`dispatch-cost` estimates times with figures that one harness measured on an M1, "
            "because both sides\nof the comparison are public there:\n",
            _table(("", ""), figures),
        )
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_rules(path.read_text()))
