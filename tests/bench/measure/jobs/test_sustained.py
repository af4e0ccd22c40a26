"""Answers without a pause: lines every few seconds, at the end of a run, for dispatchers alone."""

import pytest

from mvmoe_bench.measure.jobs import sustained
from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.schema import records as r

SHORT = r.Preset(
    name="short", repeats=2, queries=2, seconds=0.0, most_seconds=9.0, warmup=0, starts=0,
    stream=0, cooldown=0.0, sustained=1.0,
)  # fmt: skip


def _of_kind(lines, kind):
    return [line for line in lines if isinstance(line, kind)]


def test_each_dispatcher_answers_for_as_long_as_was_asked_after_all_else(ask):
    result = ask(preset=SHORT, compare=("bare",))

    lines = _of_kind(result.lines, SustainedSample)
    assert {line.subject for line in lines} == {
        subject.key for subject in result.run.subjects if subject.name == "dispatcher"
    }
    for line in lines:
        assert line.is_plausible() and line.at_ns >= 1e9 and line.answers > 5
        assert line.thermal is line.headroom is line.pss is None
    done = [line.job for line in _of_kind(result.lines, r.Done)]
    assert [job.partition(":")[0] for job in done[-len(lines) - 1 :]] == [
        *["sustained"] * len(lines), "run",
    ]  # fmt: skip


def test_without_being_asked_for_there_is_none(ask):
    preset = r.Preset(**{**_fields(SHORT), "sustained": 0.0})
    assert _of_kind(ask(preset=preset).lines, SustainedSample) == []


def _fields(preset):
    return {name: getattr(preset, name) for name in preset.__struct_fields__}


class _Slow:
    """A subject whose answers take as long as a clock says."""

    def __init__(self, clock, ms):
        self.clock, self.ms, self.asked = clock, ms, []

    def answer(self, query):
        self.asked.append(query)
        self.clock[0] += round(self.ms.pop(0) * 1e6)


def test_answers_fill_the_time_and_one_that_is_longer_counts(monkeypatch):
    clock = [0]
    monkeypatch.setattr(sustained, "perf_counter_ns", lambda: clock[0])
    subject = _Slow(clock, [1.0, 2.0, 3.0, 9000.0])
    queries = iter("abcdef")

    assert sustained._answers_until(subject, queries, 5_000_000) == [1e6, 2e6, 3e6]
    assert sustained._answers_until(subject, queries, 5_000_000) == [9e9]
    assert subject.asked == list("abcd")


def test_the_command_takes_minutes(mvmoe, tiny, tmp_path, monkeypatch):
    from mvmoe_bench.measure.planning import running

    asked = []

    def stop(request, progress):
        asked.append(request.preset)
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run_bench", stop)
    code, _, _ = mvmoe("bench", tiny / "tiny.mvmoe", "-o", tmp_path / "r", "--sustained", "1.5")
    assert code == 130
    assert [preset.sustained for preset in asked] == [90]


@pytest.mark.parametrize("minutes", ["-1", "soon"])
def test_other_times_are_refused(mvmoe, tiny, tmp_path, minutes):
    code, _, said = mvmoe(
        "bench", tiny / "tiny.mvmoe", "-o", tmp_path / "r", "--sustained", minutes
    )
    assert code == 2 and "--sustained" in said
