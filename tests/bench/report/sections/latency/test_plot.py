"""Hills run out inside of their axes, and ticks have numbers, however far apart subjects lie."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.subjects import SUBJECT_COLOURS, subject_colours
from mvmoe_deploy.picture_look import DARK, LIGHT

NAMES = ("dispatcher", "bare", "static", "all-experts", "gather", "dense", "eager", "compile")


def run(factory, spread):
    """Eight subjects, each `spread` times as slow as the one before."""
    rng = np.random.default_rng(0)
    subjects = [
        factory.subject(name, target=None if name in ("eager", "compile") else "onnx")
        for name in NAMES
    ]
    lines = [
        factory.sample(
            s.key,
            0.2 * spread**place * rng.lognormal(0, 0.1 if spread == 1 else 0.3),
            repeat,
            number,
        )
        for place, s in enumerate(subjects)
        for repeat in range(6)
        for number in range(20)
    ]
    return factory.run(subjects, lines=lines)


@pytest.fixture(params=[1.0, 1.6, 4.0], ids=["plain", "logarithmic", "decades"])
def axes(request, factory, shown):
    (found,) = shown(run(factory, request.param), "latency").axes()
    assert found.get_xscale() == ("linear" if request.param == 1.0 else "log")
    return found


def test_no_hill_is_cut(axes):
    low, high = axes.get_xlim()
    assert len(axes.collections) == len(NAMES)
    for hill in axes.collections:
        ends = hill.get_datalim(axes.transData)
        points = hill.get_paths()[0].vertices
        heights = points[:, 1].max() - points[:, 1]
        feet = heights[np.isin(points[:, 0], (points[:, 0].min(), points[:, 0].max()))]
        assert low <= ends.x0 and ends.x1 <= high
        assert feet.max() < 0.02 * heights.max()  # It runs out; it does not end in a wall.


def test_every_tick_has_a_number_and_none_lies_on_another(axes):
    axes.figure.draw_without_rendering()
    low, high = axes.get_xlim()
    minor = [at for at in axes.xaxis.get_minorticklocs() if low <= at <= high]
    assert minor == []
    labels = [tick.label1 for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert len(labels) >= 2 and all(label.get_text() for label in labels)
    boxes = sorted((b.x0, b.x1) for b in (label.get_window_extent() for label in labels))
    assert all(left[1] < right[0] for left, right in pairwise(boxes))


def test_no_two_subjects_share_a_colour_and_plots_agree_on_them(factory, shown):
    made = run(factory, 1.6)
    summary = summarize_run(made)
    assert len(set(summary.colours.values())) == len(NAMES)
    sections = {section.id: section for section in document(summary).sections}
    rows = sections["latency"].blocks[0].plot.rows
    assert {row.name: row.colour for row in rows} == {
        summary.names[key]: colour for key, colour in summary.colours.items()
    }
    (axes,) = shown(made, "latency").axes()
    dots = {to_hex(line.get_color()) for line in axes.get_lines() if line.get_marker() == "o"}
    assert dots == {LIGHT[colour] for colour in summary.colours.values()}
    ratios = {row.name: row.colour for row in sections["ratios"].blocks[0].plot.rows}
    assert ratios["dispatcher / static"] == summary.colours["static:digits:onnx"]
    assert ratios["dense / dispatcher"] == summary.colours["dense:digits:onnx"]


def test_as_many_subjects_as_there_are_colours_have_their_own(factory):
    subjects = [factory.subject("dispatcher", target=str(n)) for n in range(len(SUBJECT_COLOURS))]
    assert len(set(subject_colours(subjects).values())) == len(subjects) == 24
    for colours in (LIGHT, DARK):
        assert len({colours[name] for name in SUBJECT_COLOURS}) == 24
    assert LIGHT.keys() == DARK.keys()
