"""Verdicts on runs: valid only if every criterion is met, and each miss says what to do."""

import pytest

from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.validity import (
    CELSIUS,
    SAMPLES,
    SECONDS,
    VARIATION,
    judged_runs,
    thresholds,
)


@pytest.fixture
def key(factory):
    return factory.subject("dispatcher").key


def _judged(factory, key, lines):
    (run,) = judged_runs(Index(factory.run([factory.subject("dispatcher")], lines=lines)))
    return run


def _lines(factory, key, *, samples=1026, seconds=60.0, spread=0.0, repeats=6, **entry):
    """A run of so many samples and seconds; repeats go alternately `spread` above and below."""
    lines = []
    for repeat in range(repeats):
        ms = 8.0 * (1 + spread * (-1) ** repeat)
        lines += [factory.sample(key, ms, repeat, number) for number in range(samples // repeats)]
        fields = {"celsius": 45.0} | entry
        lines.append(factory.timed(key, seconds=seconds / repeats, repeat=repeat, **fields))
    return lines


def _of(run, criterion):
    (found,) = (it for it in run.findings if it.criterion == criterion)
    return found


def test_a_run_that_meets_everything_is_valid_and_has_nothing_to_do(factory, key):
    run = _judged(factory, key, _lines(factory, key))

    assert (run.mode, run.verdict, run.missed, run.why) == ("warm answers", "valid", (), "")
    assert [it.text for it in run.findings] == [
        "1,026 samples", "60.0 s", "varies by 0%", "began warm", "45 °C at entry",
    ]  # fmt: skip
    assert all(it.remedy == "" for it in run.findings)


@pytest.mark.parametrize(
    ("criterion", "changed", "said"),
    [
        ("samples", {"samples": 510}, "semi-valid: 510 of 1,024 samples"),
        ("samples", {"samples": 96}, "not valid: 96 of 1,024 samples"),
        ("duration", {"seconds": 59.4}, "semi-valid: 59.4 of 60 s"),
        ("duration", {"seconds": 14.4}, "not valid: 14.4 of 60 s"),
        ("variation", {"spread": 0.06}, "semi-valid: varies by 6.6%, above 5%"),
        ("variation", {"spread": 0.2}, "not valid: varies by 22%, above 5%"),
        ("variation", {"repeats": 1}, "semi-valid: one process, so variation is not known"),
        ("cache", {"warmup": 0}, "semi-valid: began cold"),
        ("temperature", {"celsius": 84.0}, "semi-valid: 84 °C at entry"),
        ("temperature", {"celsius": 93.0}, "not valid: 93 °C at entry"),
        ("temperature", {"celsius": None}, "semi-valid: temperature at entry not known"),
        ("temperature", {"thermal": "light"}, "semi-valid: thermal status light at entry"),
        ("temperature", {"thermal": "moderate"}, "not valid: thermal status moderate at entry"),
    ],
)
def test_one_miss_decides_and_says_what_to_do(factory, key, criterion, changed, said):
    run = _judged(factory, key, _lines(factory, key, **changed))

    assert f"{run.verdict}: {run.why}" == said
    (found,) = run.missed
    assert (found.criterion, found.leaves) == (criterion, run.verdict)
    assert found.remedy


def test_a_phones_status_counts_before_its_processors_degrees(factory, key):
    run = _judged(factory, key, _lines(factory, key, thermal="none", celsius=95.0))

    assert (run.verdict, _of(run, "temperature").value) == ("valid", "none")


def test_the_warmest_and_the_coldest_beginning_count(factory, key):
    lines = _lines(factory, key)
    lines.append(factory.timed(key, seconds=1, repeat=6, celsius=88.0, warmup=0))

    run = _judged(factory, key, lines)

    assert (_of(run, "temperature").value, _of(run, "cache").value) == (88, "cold")
    assert run.verdict == "not valid"
    assert [it.criterion for it in run.missed] == ["temperature", "cache"]


def test_what_an_older_file_does_not_say_leaves_semi_valid(factory, key):
    """Its duration is at least what its answers took: enough of it is enough."""
    short = _judged(factory, key, factory.constant(key, 8.0, rounds=200))
    long = _judged(factory, key, factory.constant(key, 80.0, rounds=200))

    assert short.verdict == long.verdict == "semi-valid"
    assert short.why == (
        "at least 9.60 of 60 s, its duration is not told; not told whether it began warm; "
        "temperature at entry not known"
    )
    assert (_of(long, "duration").leaves, _of(long, "duration").value) == ("valid", 96)


def test_a_process_that_timed_something_else_says_nothing_of_it(factory, key):
    lines = [*factory.constant(key, 8.0), factory.timed(key, "paced", 600, celsius=40.0)]

    assert _of(_judged(factory, key, lines), "temperature").value is None


def test_forced_samples_do_not_count(factory, key):
    lines = _lines(factory, key, samples=300)
    lines += [factory.sample(key, 8.0, 0, number, forced=True) for number in range(900)]

    assert _of(_judged(factory, key, lines), "samples").value == 300


def test_every_mode_is_judged_by_itself(factory, key):
    lines = _lines(factory, key)
    lines += [factory.paced(key, n, 9.0, repeat) for repeat in range(6) for n in range(30)]
    lines += [factory.timed(key, "paced", 1.0, repeat, celsius=40.0) for repeat in range(6)]
    lines += [factory.sustained(key, 5 * n, 8.0 * n, celsius=60.0) for n in range(1, 25)]
    lines += [factory.timed(key, "sustained", 120, celsius=40.0)]

    runs = judged_runs(Index(factory.run([factory.subject("dispatcher")], lines=lines)))

    # A long run that becomes slower is a result, and no fault of it.
    assert [(run.mode, run.verdict) for run in runs] == [
        ("warm answers", "valid"), ("paced", "not valid"), ("without a pause", "valid"),
    ]  # fmt: skip
    assert [_of(run, "samples").value for run in runs] == [1026, 180, 2400]


def test_the_limits_are_told_as_they_are_used():
    text = " ".join(thresholds())
    for limits in (SAMPLES, SECONDS, CELSIUS):
        assert f"{limits.valid:,}" in text and f"{limits.semi:,}" in text
    assert f"{VARIATION.valid:.0%}" in text and f"{VARIATION.semi:.0%}" in text


def test_a_comparison_says_which_side_is_not_valid_and_why(factory, key):
    subject = factory.subject("dispatcher")
    good = factory.run([subject], lines=_lines(factory, key))
    short = factory.run([subject], lines=_lines(factory, key, samples=510, celsius=None))

    said = {
        name: [text for text in compare_runs(*sides).headline if "valid" in text]
        for name, sides in (("good", (good, good)), ("b", (good, short)), ("a", (short, good)))
    }

    why = "semi-valid: 510 of 1,024 samples; temperature at entry not known."
    assert said == {"good": [], "b": [f"B is {why}"], "a": [f"A is {why}"]}


def test_a_comparison_of_what_was_not_timed_says_nothing(factory, key):
    started = factory.run([factory.subject("dispatcher")], lines=[factory.start(key)])

    assert not [text for text in compare_runs(started, started).headline if "valid" in text]
