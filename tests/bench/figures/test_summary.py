"""The whole summary: partial runs, damaged lines, sentences that say no more than they may."""

import time

import msgspec
import numpy as np
import pytest

from mvmoe_bench import records
from mvmoe_bench.figures import Summary, compare_runs, summarize_run


def _text(summary):
    return " ".join(point.text for point in summary.headline)


def test_it_is_plain_data(factory):
    summary = summarize_run(factory.lifelike(repeats=3, rounds=8))

    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(summary)), Summary)

    assert again == summary


def test_an_empty_run_says_so(factory):
    summary = summarize_run(factory.run([factory.subject("dispatcher")]))

    assert "no latency measurements" in _text(summary)
    assert any("No latency was measured" in warning for warning in summary.warnings)


@pytest.mark.parametrize(
    "kind",
    ["Sample", "Start", "Memory", "StreamSample", "Answer", "GraphLoad",
     "Yardstick", "Opened", "Done", "Placement", "Advice", "Overhead"],
)  # fmt: skip
def test_any_kind_of_line_may_be_missing_or_alone(factory, kind):
    run = factory.lifelike(repeats=2, rounds=6)
    wanted = getattr(records, kind)
    alone = [line for line in run.lines if isinstance(line, wanted)]
    others = [line for line in run.lines if not isinstance(line, wanted)]
    assert alone

    for lines in (alone, others):
        summarize_run(factory.run(run.run.subjects, run.run.bundles, lines))


def test_a_dense_bundle_has_latency_but_no_routes(factory):
    s = factory.subject("dispatcher")
    laps = records.Laps(stem=7_000_000, select=(), load=(), expert=(), rest=100_000)
    lines = factory.constant(s.key, 7.2, routes=(), laps=laps)
    lines += [factory.answer(s.key, 0, (), "3")]

    dense = factory.bundle(stages=0, targets={"onnx": factory.target(stages=0)})
    summary = summarize_run(factory.run([s], [dense], lines))

    assert summary.routes == summary.class_maps == ()
    assert summary.subjects[0].parts.router_share.value == 0


def test_lines_that_do_not_fit_their_run_are_left_out_and_counted(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0)
    lines.append(factory.sample(s.key, 8.0, routes=((0,), (1,))))
    lines.append(factory.sample(s.key, 8.0, routes=((0,),), laps=factory.laps(stages=3)))
    lines.append(factory.sample(s.key, 0.0))
    lines.append(factory.stream(s.key, 1, 0, 8.0, routes=((0,), (1,))))

    summary = summarize_run(factory.run([s], lines=lines, skipped=2))

    assert summary.skipped == 6
    assert summary.subjects[0].latency.wall_ms.n == 60
    assert any("6 lines" in warning for warning in summary.warnings)


def test_failures_are_counted_and_the_others_stay(factory):
    d, s = factory.subject("dispatcher"), factory.subject("static")
    lines = factory.constant(d.key, 8.0)
    lines += [records.Failure(job=f"latency {i}", subject=s.key, message="no") for i in range(3)]

    summary = summarize_run(factory.run([d, s], lines=lines))

    assert [(f.subject, f.message, f.times) for f in summary.failures] == [(s.key, "no", 3)]
    assert summary.subject(s.key).latency is None
    assert summary.subject(d.key).latency is not None


def test_few_repeats_are_warned_of(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, repeats=3))

    assert any("Only 3 repeats" in warning for warning in summarize_run(run).warnings)


def test_an_engine_that_fell_back_is_warned_of(factory):
    s = factory.subject("dispatcher", requested=factory.choice(provider="NNAPI"))
    opened = records.Opened(
        job="latency 0", subject=s.key, repeat=0, actual=factory.choice(), open_ns=1
    )
    run = factory.run([s], lines=[*factory.constant(s.key, 8.0), opened])

    assert any("asked for NNAPI and got CPU" in w for w in summarize_run(run).warnings)


def test_sentences_claim_what_intervals_support(factory):
    def text(dispatcher, noise):
        rng = np.random.default_rng(0)
        d, s = factory.subject("dispatcher"), factory.subject("static")
        lines = []
        for repeat in range(9):
            for number in range(10):
                for subject, ms in ((d, dispatcher), (s, 8.0)):
                    time_ms = ms * rng.normal(1, noise)
                    lines.append(factory.sample(subject.key, time_ms, repeat, number))
        return _text(summarize_run(factory.run([d, s], lines=lines)))

    assert "would save 20.0%" in text(10.0, 0.0)
    assert "would make no difference that could be told apart" in text(8.01, 0.05)
    assert "would save nothing" in text(7.0, 0.001)


def test_a_large_run_is_summarised_within_seconds(factory):
    rng = np.random.default_rng(0)
    subjects = [factory.subject("dispatcher")]
    subjects += [factory.subject(f"plug-in {i}") for i in range(9)]
    lines = [
        factory.sample(s.key, rng.normal(8, 0.1), repeat, number)
        for s in subjects
        for repeat in range(15)
        for number in range(120)
    ]
    begun = time.perf_counter()

    summarize_run(factory.run(subjects, lines=lines))

    # About a second alone; the machine that tests may be busy.
    assert time.perf_counter() - begun < 20


def test_what_a_file_says_of_targets_and_devices_may_have_any_shape(factory):
    odd = [None, 3, "x", [], [[]], {"verification": {"images": "many"}}, -1, 1e300]
    s = factory.subject("dispatcher")
    for value in odd:
        target = {"bytes": value, "sizes": value, "graphs": value, "parity": value}
        bundle = factory.bundle(targets={"onnx": target, "other": {"sizes": {"shared": value}}})
        said = {"load_average": value, "cores_logical": value, "cpu": value, "packages": value}
        run = factory.run([s], [bundle], factory.constant(s.key, 8.0), identity=said)

        found = summarize_run(run).bundle("digits")

        assert found.targets[0].parity is None
        compare_runs(run, run)


def test_starts_and_stages_that_took_no_time_divide_nothing(factory):
    s = factory.subject("dispatcher")
    nothing = dict.fromkeys(("process", "engine_import", "code_import", "open", "first"), 0)
    zero = factory.laps(stem=0, select=0.0, load=0.0, expert=0.0, rest=0, stages=2)
    lines = [
        factory.sample(s.key, 1.0, repeat, number, routes=((number % 2,), (0,)), laps=zero)
        for repeat in range(6)
        for number in range(6)
    ]
    lines += [factory.start(s.key, i, parse=None, hash=None, **nothing) for i in range(6)]
    lines += [factory.memory(s.key, None, i, base=0, added=0) for i in range(6)]
    prior = factory.prior({(0,): 0.5, (1,): 0.5})
    run = factory.run([s], [factory.bundle(stages=2, usage_prior=(prior, prior))], lines)

    summary = summarize_run(run)

    assert summary.subjects[0].starts is None
    assert {row.verdict for row in compare_runs(run, run).rows} <= {"not told apart", "same"}
