"""How subjects are called and drawn in a report, as their parts say."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import cycle
from typing import TypeVar

from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.report import formatting
from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.picture_look import LIGHT

UNKNOWN = SubjectLook()
"""Of a subject that is not installed here: results may come from another machine."""


def look_of(name: str) -> SubjectLook:
    """How a subject is shown; that of an unknown one if it is not installed."""
    try:
        look: SubjectLook = getattr(part_lookup.find("subjects", name), "look", UNKNOWN)
    except InputError:
        return UNKNOWN
    return look


def is_product(subject: SubjectRecord) -> bool:
    """Whether a subject is what is shipped: the others are compared with it."""
    return look_of(subject.name).role == "product"


def is_oracle(subject: SubjectRecord) -> bool:
    """Whether a subject knows beforehand what the product has to find out."""
    return look_of(subject.name).role == "oracle"


def beside(subject: SubjectRecord, other: SubjectRecord) -> bool:
    """Whether two subjects answer with one target of one bundle, engine and number of threads."""
    return (subject.bundle, subject.target, subject.requested, subject.threads) == (
        other.bundle,
        other.target,
        other.requested,
        other.threads,
    )


K = TypeVar("K", bound=Hashable)

_GREY = "c6"
SUBJECT_COLOURS = (*(n for n in LIGHT if n[1:].isdigit() and n != _GREY), _GREY)
"""The colours that subjects are drawn in, grey last: so many never share one."""


def subject_colours(subjects: Iterable[SubjectRecord]) -> dict[str, str]:
    """The name of a colour for each subject's key: its part's own where that is still free.

    The same in all plots of a report. Beyond as many as there are colours they begin again.
    """
    return distinct_colours((subject.key, subject) for subject in subjects)


def distinct_colours(subjects: Iterable[tuple[K, SubjectRecord]]) -> dict[K, str]:
    """The same for subjects of several runs, each with a key that no other has."""
    wanted = {key: look_of(subject.name).colour for key, subject in subjects}
    taken: dict[K, str] = {}
    for key, colour in wanted.items():
        if colour in SUBJECT_COLOURS and colour not in taken.values():
            taken[key] = colour
    free = [name for name in SUBJECT_COLOURS if name not in taken.values()]
    others = cycle(free or SUBJECT_COLOURS)
    return {key: taken.get(key) or next(others) for key in wanted}


_FORMS: tuple[Callable[[SubjectRecord], str], ...] = (
    lambda s: s.name,
    lambda s: f"{s.name}, {s.target}" if s.target else s.name,
    lambda s: ", ".join(part for part in (s.name, s.bundle, s.target) if part),
    lambda s: f"{s.name}, {s.bundle}, {formatting.engine(s.requested)}",
)


def short_names(subjects: Iterable[SubjectRecord]) -> Mapping[str, str]:
    """A name for each subject's key; subjects of one part are all named in the same form."""
    kinds: dict[str, list[SubjectRecord]] = {}
    for subject in subjects:
        kinds.setdefault(subject.name, []).append(subject)
    return {key: name for alike in kinds.values() for key, name in _named(alike).items()}


def _named(subjects: list[SubjectRecord]) -> dict[str, str]:
    """The shortest form in which no two names are equal; their keys if there is none."""
    for form in _FORMS:
        names = {subject.key: form(subject) for subject in subjects}
        if max(Counter(names.values()).values()) == 1:
            return names
    return {subject.key: subject.key for subject in subjects}
