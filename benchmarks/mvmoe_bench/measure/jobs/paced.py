"""Frames that come at a fixed rate, with idle time between: what an app with a camera sees.

Between two frames the thread sleeps, so that the system may save power as it does on a phone: lower
clocks, cores that rest. Nothing is asked twice to settle caches: that is the point.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.jobs.timed_run import RunStart, TimedRun
from mvmoe_bench.measure.machine.temperature import processor_celsius
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Ns, Preset, RepeatRecord
from mvmoe_bench.measure.subjects.contract import Subject

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.choosing import SelectedSubject

_SECOND = 1e9


class PacedSample(RepeatRecord, tag="paced", frozen=True):
    """The answer to one frame of those that come at the preset's rate."""

    frame: Count
    """Its number, by the rate, from the first that counts. Numbers that are left out are frames
    that came while an answer was at work, and that a newer one has replaced."""
    image: Count
    late_ns: Ns
    """From when the frame came to when its answer began: waking up, or the answer before."""
    ns: Ns
    """What the answer took."""

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.ns > 0


class Camera:
    """Frames that come at a fixed rate; who is late gets the newest one, as from a camera.

    `clock` gives nanoseconds, `sleep` takes seconds.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], int] = time.perf_counter_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period = _SECOND / rate
        self._clock = clock
        self._sleep = sleep
        self._begin = clock()

    def comes(self, frame: int) -> int:
        """When a frame comes, by the clock."""
        return self._begin + round(frame * self._period)

    def late(self, frame: int) -> int:
        """Nanoseconds since a frame came; negative before it does."""
        return self._clock() - self.comes(frame)

    def frame_after(self, frame: int) -> int:
        """Wait for the first frame after another one; of several that came meanwhile the last."""
        newest = math.floor((self._clock() - self._begin) / self._period)
        wanted = max(frame + 1, newest)
        while (late := self.late(wanted)) < 0:
            self._sleep(-late / _SECOND)
        return wanted


class PacedMeasurement(Measurement):
    """The dispatcher's answers to frames at a fixed rate, in a process of its own each repeat."""

    name = "paced"
    position = 55
    records = (PacedSample, TimedRun)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each dispatcher: beside another subject nothing would be idle."""
        if not plan.preset.paced or repeat >= plan.preset.repeats:
            return
        for subject in rotated([each for each in plan.subjects if each.dispatches], repeat):
            name = f"{self.name}:{subject.key}:{repeat}"
            yield Job(name, self, repeat, partial(_one, plan, subject))

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Bring everything in, then answer frames until this repeat's share of the time is over."""
        opened = session.open(subject)
        opened.prewarm()
        celsius = processor_celsius()
        opened.answer(subject.queries[0])
        # A collection in the middle of an answer would be timed with it.
        gc.collect()
        gc.disable()
        preset = session.order.preset
        camera = Camera(preset.rate)
        frame = camera.frame_after(-1)
        while frame < preset.warmup:
            _answered(opened, subject, frame, camera)
            frame = camera.frame_after(frame)
        start = RunStart(camera.comes(frame), preset.warmup + 1, celsius)
        for line in _lines(session, subject, opened, camera, frame):
            session.emit(line)
            session.flush()
        session.emit(start.ended(session, subject, PacedSample))
        gc.enable()
        opened.close()


def frames_of(preset: Preset) -> int:
    """How many frames come in one repeat."""
    return math.ceil(preset.rate * preset.paced / max(preset.repeats, 1))


def _one(plan: Plan, subject: "SelectedSubject") -> Iterator[SubjectOrder]:
    """The subject, if it has not failed, with the images of a residency sequence."""
    if plan.alive([subject]):
        yield plan.order(subject, plan.sequence(subject, max(plan.preset.queries, 1)))


def _lines(
    session: Session, subject: SubjectOrder, opened: Subject, camera: Camera, first: int
) -> Iterator[PacedSample]:
    """A line for each frame that is answered; the last one's idle time is waited for, too."""
    frame, end = first, first + frames_of(session.order.preset)
    while frame < end:
        image, late, ns = _answered(opened, subject, frame, camera)
        yield PacedSample(
            **session.fields_of(subject), frame=frame - first, image=image, late_ns=late, ns=ns
        )
        frame = camera.frame_after(frame)


def _answered(
    opened: Subject, subject: SubjectOrder, frame: int, camera: Camera
) -> tuple[int, int, int]:
    """The image of a frame, by how many nanoseconds its answer began late, and what it took."""
    query = subject.queries[frame % len(subject.queries)]
    late = camera.late(frame)
    opened.answer(query)
    return query.image, late, camera.late(frame) - late


PART = PacedMeasurement()
