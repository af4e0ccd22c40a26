"""The whole summary: partial runs, damaged lines, sentences that say no more than they may."""

import time

import msgspec
import numpy as np
import pytest

from mvmoe_bench.measure.jobs.latency import Opened
from mvmoe_bench.measure.machine.held_memory import Held
from mvmoe_bench.measure.schema import records
from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.run_summary import summarize_run


def _text(summary):
    return " ".join(point.text for point in summary.headline())


def test_it_is_plain_data(factory):
    summary = summarize_run(factory.lifelike(repeats=3, rounds=8))

    again = msgspec.json.decode(msgspec.json.encode(summary.with_headline("results.jsonl")))

    assert again["sections"].keys() == summary.sections.keys()
    assert again["headline"][0]["topic"] == "Speed"
    wall = again["sections"]["latency"]["dispatcher:digits:onnx"]["wall_ms"]
    assert wall["value"] == summary.sections["latency"]["dispatcher:digits:onnx"].wall_ms.value


def test_an_empty_run_says_so(factory):
    summary = summarize_run(factory.run([factory.subject("dispatcher")]))

    assert "no latency measurements" in _text(summary)
    assert any("No latency was measured" in warning for warning in summary.warnings)


@pytest.mark.parametrize(
    "kind",
    ["Sample", "Start", "Memory", "StreamSample", "ChangeSample", "Answer", "GraphLoad",
     "ReferenceMatmul", "Opened", "Done", "PlacementLine", "Advice", "Overhead"],
)  # fmt: skip
def test_any_kind_of_line_may_be_missing_or_alone(factory, kind):
    run = factory.lifelike(repeats=2, rounds=6)
    alone = [line for line in run.lines if type(line).__name__ == kind]
    others = [line for line in run.lines if type(line).__name__ != kind]
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

    assert not {"routes", "classes"} & set(summary.sections)
    assert summary.sections["parts"][s.key].router_share.value == 0


def test_lines_that_do_not_fit_their_run_are_left_out_and_counted(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0)
    lines.append(factory.sample(s.key, 8.0, routes=((0,), (1,))))
    lines.append(factory.sample(s.key, 8.0, routes=((0,),), laps=factory.laps(stages=3)))
    lines.append(factory.sample(s.key, 0.0))
    lines.append(factory.stream(s.key, 1, 0, 8.0, routes=((0,), (1,))))

    summary = summarize_run(factory.run([s], lines=lines, skipped=2))

    assert summary.skipped == 6
    assert summary.sections["latency"][s.key].wall_ms.n == 60
    assert any("6 lines" in warning for warning in summary.warnings)


def test_failures_are_counted_and_the_others_stay(factory):
    d, s = factory.subject("dispatcher"), factory.subject("static")
    lines = factory.constant(d.key, 8.0)
    lines += [records.Failure(job=f"latency {i}", subject=s.key, message="no") for i in range(3)]

    summary = summarize_run(factory.run([d, s], lines=lines))

    assert [(f.subject, f.message, f.times) for f in summary.failures] == [(s.key, "no", 3)]
    assert list(summary.sections["latency"]) == [d.key]


def test_few_repeats_are_warned_of(factory):
    s = factory.subject("dispatcher")
    run = factory.run([s], lines=factory.constant(s.key, 8.0, repeats=3))

    assert any("Only 3 repeats" in warning for warning in summarize_run(run).warnings)


def test_an_engine_that_fell_back_is_warned_of(factory):
    s = factory.subject("dispatcher", requested=factory.choice(provider="NNAPI"))
    opened = Opened(job="latency 0", subject=s.key, repeat=0, actual=factory.choice(), open_ns=1)
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

        assert "parity" not in summarize_run(run).sections
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

    assert "starts" not in summary.sections
    assert {row.verdict for rows in compare_runs(run, run).rows.values() for row in rows} <= {
        "not told apart",
        "same",
    }


def _short_run(factory, repeats, rounds=10, **fields):
    """A dispatcher that takes twice what the static graph takes, and all that is measured of it."""
    names = ("dispatcher", "static", "all-experts", "dense")
    subjects = [factory.subject(name) for name in names]
    d = subjects[0].key
    lines = []
    for s, ms in zip(subjects, (10.0, 5.0, 30.0, 4.0), strict=True):
        lines += factory.constant(s.key, ms, repeats, rounds)
    lines += [factory.start(d, repeat) for repeat in range(repeats)]
    lines += [factory.memory(d, None, repeat, **fields) for repeat in range(repeats)]
    for repeat in range(repeats):
        for number in range(8):
            cold = (number % 2 == 0,)
            ms = 12.0 if cold[0] else 8.0
            lines.append(factory.stream(d, 1, number, ms, repeat, cold=cold, switched=cold))
    return summarize_run(factory.run(subjects, lines=lines))


CLAIMS = ("would save", "as a traced model does, takes", "as much work an image takes",
          "no difference", "not told apart", "95%")  # fmt: skip


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_no_sentence_concludes_from_fewer_than_six_repeats(factory, repeats):
    text = _text(_short_run(factory, repeats))

    assert [claim for claim in CLAIMS if claim in text] == []
    told = "one repeat" if repeats == 1 else f"{repeats} repeats"
    assert text.count(f"was compared in {told}, and a verdict needs six") == 3
    # Latency, start (twice), memory and a cold switch say how many repeats they come from.
    assert text.count(f"{told})") + text.count(f"{told}, no interval)") >= 5


def test_six_repeats_are_enough_for_sentences(factory):
    text = _text(_short_run(factory, 6))

    assert "would save 50.0% of the time (95%: 50.0% to 50.0%)" in text
    assert "as a traced model does, takes 3.00 times as long as the dispatcher" in text
    assert "needs six" not in text


@pytest.mark.parametrize(("rounds", "told"), [(3, False), (4, True)])
def test_one_in_twenty_is_told_of_twenty_answers_or_more(factory, rounds, told):
    assert ("one in twenty" in _text(_short_run(factory, 6, rounds))) == told


def test_equal_medians_make_no_difference(factory):
    subjects = [factory.subject(name) for name in ("dispatcher", "static", "dense")]
    lines = [line for s in subjects for line in factory.constant(s.key, 8.0)]

    text = _text(summarize_run(factory.run(subjects, lines=lines)))

    assert "no difference that could be told apart" in text
    assert "was not told apart from the dispatcher: 1.00 times as long (95%: 1.00 to 1.00)" in text


def test_memory_that_did_not_grow_is_not_said_to_grow(factory):
    assert "could not be told apart from nothing" in _text(_short_run(factory, 6, added=0))


def test_subjects_on_other_threads_have_no_ratio(factory):
    subjects = [factory.subject("dispatcher"), factory.subject("eager", target=None, threads=2)]
    lines = [line for s in subjects for line in factory.constant(s.key, 8.0)]
    lines.append(factory.yardstick(5.0))

    found = summarize_run(factory.run(subjects, lines=lines))

    assert "ratios" not in found.sections
    assert [use.of_reference is None for use in found.sections["machine"].uses.values()] == [
        False,
        True,
    ]


def test_almost_all_images_are_not_all(factory):
    target = factory.target()
    target["parity"]["verification"]["routing_agreement"] = 0.99999
    s = factory.subject("dispatcher")
    run = factory.run([s], [factory.bundle(targets={"onnx": target})], factory.constant(s.key, 8.0))

    assert "99.99% took the route that PyTorch takes" in _text(summarize_run(run))


def test_memory_whose_parts_do_not_add_up_is_left_out(factory):
    s = factory.subject("dispatcher")
    wrong = msgspec.structs.replace(
        factory.memory(s.key), loaded=Held(total=9, anonymous=1, bundle_files=1)
    )
    half = msgspec.structs.replace(
        factory.memory(s.key), base=Held(total=1, anonymous=1, bundle_files=None)
    )

    summary = summarize_run(factory.run([s], lines=[wrong, half]))

    assert (summary.skipped, "memory" in summary.sections) == (2, False)
