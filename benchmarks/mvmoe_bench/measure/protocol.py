"""How subjects are measured in one process: interleaved, in rotated order, every sample kept.

Knows nothing of models and engines: a subject is anything that answers the image of a number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns, thread_time_ns
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

Subject = Callable[[int], Any]
"""Answers the image with this number; what it gives is not looked at while measuring."""

Opener = Callable[[], Subject]
"""Makes a subject ready; whatever the last one held must not be needed."""


class Instant(NamedTuple):
    """One look at both clocks, in nanoseconds."""

    wall: int
    cpu: int
    """What this thread has computed: unlike the wall it stands still while others are let in."""


Clock = Callable[[], Instant]


def now() -> Instant:
    """The real clocks."""
    return Instant(perf_counter_ns(), thread_time_ns())


@dataclass(frozen=True)
class Plan:
    """How often everything is run.

    All subjects are opened `openings` times, one after the other, in rotated order. Where an
    opening puts its weights in memory makes the very same graph some percent faster or slower, so
    one opening says little however often it is run.

    After each come `warmup` rounds that are not kept and `iterations` that are. In a round each
    subject has one turn with the round's image, in rotated order. A turn is one call that is not
    timed and one that is: the first brings the subject's weights back into the caches that the
    subject before has filled with its own, as they are in an application that runs one model.
    """

    openings: int
    iterations: int
    warmup: int

    @property
    def rounds(self) -> int:
        """All rounds, kept or not."""
        return self.openings * (self.warmup + self.iterations)


@dataclass(frozen=True)
class Sample:
    """One timed call."""

    opening: int
    round: int
    position: int
    """The place of the turn in its round."""
    subject: str
    image: int
    ns: int
    cpu_ns: int
    """Of the calling thread alone: with one thread, what the call costs on a busy machine too."""


def measure(
    openers: Mapping[str, Opener],
    images: int,
    plan: Plan,
    clock: Clock = now,
    on_round: Callable[[], object] = lambda: None,
) -> list[Sample]:
    """Measure subjects on image numbers 0 to `images` - 1 in turn; gives every sample in order.

    Whatever a subject raises ends the measurement.
    """
    samples: list[Sample] = []
    for opening in range(plan.openings):
        subjects = {name: openers[name]() for name in rotated(list(openers), opening)}
        for number in range(-plan.warmup, plan.iterations):
            image = number % images
            for position, name in enumerate(rotated(list(openers), number)):
                spent = turn(subjects[name], image, clock)
                if number >= 0:
                    samples.append(Sample(opening, number, position, name, image, *spent))
            on_round()
        # Gone before the next are opened: two of each would not have the same memory to share.
        del subjects
    return samples


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of round `number`: over the rounds each item stands equally often at each place."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


def by_subject(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """The samples of each subject in order of rounds: equal positions are pairs."""
    result: dict[str, list[Sample]] = {}
    for sample in samples:
        result.setdefault(sample.subject, []).append(sample)
    return result


def harness_overhead(clock: Clock = now, calls: int = 1001) -> list[int]:
    """Nanoseconds that a timed call of a subject that does nothing takes, `calls` times."""
    return [turn(_nothing, 0, clock).wall for _ in range(calls)]


def turn(subject: Callable[[T], Any], query: T, clock: Clock = now) -> Instant:
    """One call to settle, one that is timed; gives what it took."""
    subject(query)
    before = clock()
    subject(query)
    after = clock()
    return Instant(after.wall - before.wall, after.cpu - before.cpu)


def _nothing(image: int) -> None:
    """A subject that costs what the harness costs."""
