"""What subjects are called in a report: as short as can be while they are told apart."""

from collections import Counter
from collections.abc import Callable

from mvmoe_bench.report import words
from mvmoe_bench.report.summary import SubjectFigure, Summary

_FORMS: tuple[Callable[[SubjectFigure], str], ...] = (
    lambda s: s.name,
    lambda s: f"{s.name}, {s.target}" if s.target else s.name,
    lambda s: ", ".join(part for part in (s.name, s.bundle, s.target) if part),
    lambda s: f"{s.name}, {s.bundle}, {words.engine(s.requested)}",
)


def subject_names(summary: Summary) -> dict[str, str]:
    """A name for each subject's key; subjects of one kind are all named in the same form."""
    result: dict[str, str] = {}
    for kind in dict.fromkeys(subject.name for subject in summary.subjects):
        alike = [subject for subject in summary.subjects if subject.name == kind]
        result |= _named(alike)
    return result


def _named(subjects: list[SubjectFigure]) -> dict[str, str]:
    """The shortest form that tells these subjects apart; their keys if none does."""
    for form in _FORMS:
        names = {subject.key: form(subject) for subject in subjects}
        if max(Counter(names.values()).values()) == 1:
            return names
    return {subject.key: subject.key for subject in subjects}


COLOURS = {"dispatcher": "c1", "static": "c3", "all-experts": "c2"}


def colour(subject: SubjectFigure) -> str:
    """The colour of a subject: the product stands out, then its oracle and its baseline."""
    return COLOURS.get(subject.name, "c6")


WHAT = {
    "dispatcher": "the product: a graph for what every image runs, then what the route needs",
    "static": "the oracle: one graph with the expert known beforehand",
    "all-experts": "one graph that computes every expert and masks them: what tracing gives",
    "gather": "one graph that gathers the selected expert's weights",
    "dense": "a dense model with as many active operations, no routing",
    "eager": "PyTorch, the model's own forward",
    "compile": "PyTorch with torch.compile",
}
"""What the usual subjects are."""
