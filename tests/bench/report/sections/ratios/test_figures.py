"""Ratios: who is compared with whom, and a slowed subject shows up."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run


def _ratios(factory, times, **run):
    subjects = list(times)
    lines = [line for s, ms in times.items() for line in factory.constant(s.key, ms)]
    return summarize_run(factory.run(subjects, lines=lines, **run)).sections.get("ratios")


def test_a_slowed_subject_shows_up_where_it_is_slow(factory):
    d, s, a = (factory.subject(name) for name in ("dispatcher", "static", "all-experts"))

    found = {(f.name, f.clock): f.ratio for f in _ratios(factory, {d: 10.0, s: 8.0, a: 20.0})}

    assert found["dispatcher/static", "wall"].value == pytest.approx(1.25)
    assert found["dispatcher/static", "wall"].low == pytest.approx(1.25)
    assert found["all-experts/dispatcher", "CPU"].value == pytest.approx(2)


def test_pairs_are_of_the_same_repeat_and_round(factory):
    d, s = factory.subject("dispatcher"), factory.subject("static")
    lines = factory.constant(d.key, 10.0, repeats=3, rounds=7)
    lines += factory.constant(s.key, 10.0, repeats=2, rounds=9)

    (wall, _) = summarize_run(factory.run([d, s], lines=lines)).sections.get("ratios")

    assert (wall.ratio.n, wall.ratio.repeats, wall.ratio.rough) == (14, 2, True)


def test_targets_are_compared_with_their_own_kind_and_pytorch_with_all(factory):
    subjects = [
        factory.subject("dispatcher"),
        factory.subject("dispatcher", target="executorch"),
        factory.subject("static", target="executorch"),
        factory.subject("eager", target=None),
    ]

    found = {(f.name, f.target) for f in _ratios(factory, dict.fromkeys(subjects, 5.0))}

    assert found == {
        ("dispatcher/static", "executorch"),
        ("eager/dispatcher", "onnx"),
        ("eager/dispatcher", "executorch"),
    }


def test_providers_are_not_mixed(factory):
    xnnpack = factory.choice(provider="XnnpackExecutionProvider")
    subjects = [
        factory.subject("dispatcher", key="d cpu"),
        factory.subject("dispatcher", key="d x", requested=xnnpack),
        factory.subject("static", key="s cpu"),
        factory.subject("static", key="s x", requested=xnnpack),
    ]

    pairs = {(f.product, f.other) for f in _ratios(factory, dict.fromkeys(subjects, 5.0))}

    assert pairs == {("d cpu", "s cpu"), ("d x", "s x")}


def test_cpu_time_is_given_with_one_thread_only(factory):
    subjects = [factory.subject("dispatcher", threads=2), factory.subject("static", threads=2)]

    found = _ratios(factory, dict.fromkeys(subjects, 5.0), threads=2)

    assert [f.clock for f in found] == ["wall"]


def test_other_bundles_are_not_compared(factory):
    subjects = [factory.subject("dispatcher"), factory.subject("static", bundle="other")]
    bundles = [factory.bundle(), factory.bundle("other")]

    assert _ratios(factory, dict.fromkeys(subjects, 5.0), bundles=bundles) is None
