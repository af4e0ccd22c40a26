"""Two runs side by side: the memory that each subject holds."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import ComparedKind
from mvmoe_bench.report.statistics import PerRepeat
from mvmoe_bench.report.verdicts import MEMORY_NOISE, Judge, VerdictRow, other_threads


def _rows(one: Index, two: Index, judge: Judge) -> list[VerdictRow]:
    """A row for each subject, with the largest budget that both runs have."""
    rows = []
    for key in dict.fromkeys([*one.memory, *two.memory]):
        budgets = [{line.budget for line in side.memory.get(key, [])} for side in (one, two)]
        shared = budgets[0] & budgets[1]
        sides = [_held(side, key, _most(shared or own))
                 for side, own in zip((one, two), budgets, strict=True)]  # fmt: skip
        differs = other_threads(one, two, key) or _differs(one, two, key, bool(shared))
        rows.append(judge.row(key, (sides[0], sides[1]), "bytes", differs))
    return rows


def _most(budgets: set[int | None]) -> int | None:
    """The largest of some budgets; None means all experts."""
    known = [budget for budget in budgets if budget is not None]
    return None if None in budgets or not known else max(known)


def _held(index: Index, key: str, budget: int | None) -> PerRepeat:
    """Bytes that processes hold with that many experts resident."""
    lines = [line for line in index.memory.get(key, []) if line.budget == budget]
    return index.per_repeat(lines, lambda line: line.loaded.total)


def _differs(one: Index, two: Index, key: str, shared: bool) -> str:
    """What makes one subject's sides incomparable, if anything does."""
    kinds = [{line.memory_of for line in side.memory.get(key, [])} for side in (one, two)]
    if kinds[0] != kinds[1]:
        return "kinds of memory"
    return "" if shared else "room for experts"


KIND = ComparedKind(
    id="memory",
    title="Memory",
    lead="What a process holds after its images, with the most experts resident that both runs "
    "have measured, engine and code included. A difference of up to "
    f"{MEMORY_NOISE / 1e6:g} MB is not told apart: processes of one bundle differ by as much.",
    rows=_rows,
)
