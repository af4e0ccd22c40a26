"""Frames at a fixed rate: answered when they come, the newest one after a long answer."""

import io

import msgspec
import numpy as np
import pytest

from mvmoe_bench.measure.jobs import paced
from mvmoe_bench.measure.jobs.order_process import Process, Session
from mvmoe_bench.measure.jobs.paced import Camera, PacedSample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.schema import orders
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.lines import line_decoder

MS = 1_000_000
SHORT = r.Preset(
    name="short", repeats=2, queries=3, seconds=0.0, most_seconds=9.0, warmup=2, starts=0,
    stream=0, cooldown=0.0, paced=0.1, rate=100.0,
)  # fmt: skip


class _Clock:
    """Time that passes only while somebody sleeps or answers; sleeping takes `wake` too long."""

    def __init__(self, wake=0):
        self.now, self.wake, self.slept = 5_000 * MS, wake, []

    def read(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += round(seconds * 1e9) + self.wake

    def camera(self, rate):
        return Camera(rate, self.read, self.sleep)


def test_frames_come_at_the_rate_and_the_time_between_is_slept():
    clock = _Clock()
    camera = clock.camera(100)
    assert camera.frame_after(-1) == 0 and clock.slept == []
    clock.now += 3 * MS
    assert camera.frame_after(0) == 1
    assert clock.slept == pytest.approx([0.007])
    assert camera.late(1) == 0


def test_after_a_long_answer_the_newest_frame_is_taken_and_not_those_before():
    clock = _Clock()
    camera = clock.camera(100)
    clock.now += 37 * MS
    assert camera.frame_after(0) == 3
    assert clock.slept == [] and camera.late(3) == 7 * MS


def test_a_frame_is_never_taken_twice():
    clock = _Clock()
    camera = clock.camera(100)
    clock.now += 12 * MS
    assert [camera.frame_after(0), camera.frame_after(1), camera.frame_after(2)] == [1, 2, 3]


def test_a_wake_up_that_is_too_early_waits_on():
    clock = _Clock()
    clock.sleep = lambda seconds: _woken_early(clock, seconds)
    camera = Camera(100, clock.read, clock.sleep)
    camera.frame_after(0)
    assert camera.late(1) == 0 and clock.slept == pytest.approx([0.01, 0.001])


def _woken_early(clock, seconds):
    """The first sleep ends a millisecond too early."""
    clock.slept.append(seconds)
    clock.now += round(seconds * 1e9) - (MS if len(clock.slept) == 1 else 0)


class _Subject:
    """Answers take so many milliseconds, one after the other, and 2 ms from then on."""

    def __init__(self, clock, ms):
        self.clock, self.ms, self.asked = clock, ms, []

    def prewarm(self):
        pass

    def close(self):
        self.closed = True

    def answer(self, query):
        self.asked.append(query.image)
        self.clock.now += round((self.ms.pop(0) if self.ms else 2) * MS)


def _measured(tmp_path, monkeypatch, ms, wake=0):
    """The subject that was asked, and its lines."""
    clock = _Clock(wake)
    monkeypatch.setattr(paced, "Camera", clock.camera)
    monkeypatch.setattr(paced, "processor_celsius", lambda: 41.5)
    monkeypatch.setattr("mvmoe_bench.measure.jobs.timed_run.perf_counter_ns", clock.read)
    np.save(tmp_path / "images.npy", np.zeros((3, 1, 2, 2), np.float32))
    subject = orders.SubjectOrder(
        key="s", kind="dispatcher", root="", target="onnx", threads=1,
        requested=r.EngineChoice(engine="e"),
        queries=tuple(orders.Query(image=image) for image in range(3)),
    )  # fmt: skip
    order = orders.MeasurementOrder(
        job="paced:s:1", kind="paced", repeat=1, preset=SHORT,
        images=str(tmp_path / "images.npy"), subjects=(subject,),
    )  # fmt: skip
    out = io.BytesIO()
    session = Session(order, Process(0, 0, 0), out)
    its = _Subject(clock, ms)
    monkeypatch.setattr(session, "open", lambda order: its)
    paced.PART.measure(session, subject)
    session.flush(now=True)
    return its, [line_decoder().decode(line) for line in out.getvalue().splitlines()]


def test_this_repeats_share_of_the_time_is_answered_after_a_warm_up(tmp_path, monkeypatch):
    """A tenth of a second in two repeats at 100 frames a second: five frames each."""
    subject, lines = _measured(tmp_path, monkeypatch, [8, 5, 5], wake=100_000)

    *samples, timed = lines
    assert [type(line) for line in samples] == [PacedSample] * 5
    assert [(line.frame, line.image, line.ns, line.late_ns) for line in samples] == [
        (number, (2 + number) % 3, 2 * MS, 100_000) for number in range(5)
    ]
    assert subject.asked == [0, 0, 1, 2, 0, 1, 2, 0] and subject.closed
    # The idle time of the last frame belongs to it, and so does waking up.
    assert timed == TimedRun(
        job="paced:s:1", subject="s", repeat=1, of="paced", warmup=3, celsius=41.5,
        wall_ns=50 * MS + 100_000,
    )  # fmt: skip


def test_frames_that_come_while_an_answer_is_at_work_have_no_line(tmp_path, monkeypatch):
    _, lines = _measured(tmp_path, monkeypatch, [1, 1, 1, 26])

    assert [(line.frame, line.late_ns) for line in lines[:-1]] == [
        (0, 0), (2, 6 * MS), (3, 0), (4, 0),
    ]  # fmt: skip


def test_each_dispatcher_has_a_process_in_each_repeat(ask):
    result = ask(preset=msgspec.structs.replace(SHORT, paced=0.06), compare=("bare",))

    lines = [line for line in result.lines if isinstance(line, PacedSample)]
    keys = {each.key for each in result.run.subjects if each.name == "dispatcher"}
    assert {(line.subject, line.repeat) for line in lines} == {
        (key, repeat) for key in keys for repeat in range(2)
    }
    assert all(line.is_plausible() for line in lines)
    timed = [line for line in result.lines if isinstance(line, TimedRun)]
    assert {(line.subject, line.of) for line in timed} == {
        *((key, "paced") for key in keys),
        *((each.key, "sample") for each in result.run.subjects),
    }
    assert all(line.is_plausible() for line in timed)


def test_the_command_takes_minutes_and_a_rate(mvmoe, tiny, tmp_path, monkeypatch):
    from mvmoe_bench.measure.planning import running

    asked = []

    def stop(request, progress):
        asked.append((request.preset.paced, request.preset.rate))
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run_bench", stop)
    for words in (("--paced", "1.5"), ("--paced", "1", "--rate", "60"), ()):
        assert mvmoe("bench", tiny / "tiny.mvmoe", "-o", tmp_path / "r", *words)[0] == 130
    assert asked == [(90, 30), (60, 60), (0, 30)]


@pytest.mark.parametrize(
    "words", [("--paced", "-1"), ("--paced", "1", "--rate", "0"), ("--rate", "30")]
)
def test_other_rates_and_a_rate_for_nothing_are_refused(mvmoe, tiny, tmp_path, words):
    code, _, said = mvmoe("bench", tiny / "tiny.mvmoe", "-o", tmp_path / "r", *words)
    assert code == 2 and words[-2] in said
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("rate", [0, -30, 1e9, float("nan")])
def test_an_order_with_a_rate_that_no_camera_has_is_refused(rate):
    preset = {**msgspec.to_builtins(SHORT), "rate": rate}
    with pytest.raises(msgspec.ValidationError, match="rate"):
        msgspec.convert(preset, r.Preset)
