"""Several devices on one page: each with its own figures, nothing pooled that is not alike."""

from dataclasses import replace

import msgspec
from expected_errors import raises

from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.report.markdown import markdown
from mvmoe_bench.report.report_files import write_report
from mvmoe_bench.report.side_by_side import side_by_side
from mvmoe_deploy.errors import InputError


def _run(factory, ms, device="host", number=0, **identity):
    """A run of six repeats in which one subject takes `ms`."""
    subject = factory.subject("dispatcher")
    lines = [factory.sample(subject.key, ms, repeat, n) for repeat in range(6) for n in range(4)]
    made = factory.run([subject], lines=lines)
    changed = msgspec.structs.replace(
        made.run, id=f"{device}-{number}", device=device, identity={**made.run.identity, **identity}
    )
    return replace(made, run=changed)


def _table(document, caption):
    """The rows of a table as texts."""
    for section in document.sections:
        for block in section.blocks:
            if getattr(block, "caption", "").startswith(caption):
                return [[cell.text for cell in row] for row in block.rows]
    raise AssertionError(f"{caption} is not there")


def test_each_device_has_its_own_rows_the_fastest_first(factory):
    phones = [
        _run(factory, 30.0, "android", model="Maker Phone 7"),
        _run(factory, 20.0, "ios", model="iPhone 16"),
    ]
    made = side_by_side([_run(factory, 10.0), *phones])
    rows = _table(made, "Latency in milliseconds")
    assert [row[0] for row in rows] == ["host", "iPhone 16", "Maker Phone 7"]
    assert [row[3] for row in rows] == ["10.0", "20.0", "30.0"]
    assert {row[-1] for row in rows} == {"24"}
    assert made.title == "3 runs side by side"


def test_runs_of_the_same_conditions_are_put_together_and_others_are_not(factory):
    alike = [_run(factory, 10.0, number=0), _run(factory, 12.0, number=1)]
    other = _run(factory, 11.0, number=2, cpu="another")
    rows = _table(side_by_side([*alike, other]), "Latency in milliseconds")
    assert sorted((row[0], row[-1]) for row in rows) == [("host", "48"), ("host (2)", "24")]


def test_runs_of_one_device_are_named_by_what_tells_them_apart(factory):
    first, other = _run(factory, 10.0), _run(factory, 12.0, number=1)
    preset = msgspec.structs.replace(other.run.preset, name="rigorous")
    other = replace(other, run=msgspec.structs.replace(other.run, preset=preset))
    rows = _table(side_by_side([first, other]), "Latency in milliseconds")
    assert [row[0] for row in rows] == [f"host, {first.run.preset.name}", "host, rigorous"]


def test_the_same_run_twice_is_refused(factory):
    run = _run(factory, 10.0)
    with raises(InputError, "results.unlike", found=[str(run.path)] * 2):
        side_by_side([run, run])


def test_alerts_say_of_which_device_they_are(factory):
    warm = _run(factory, 10.0, "ios", model="iPhone 16")
    done = r.Done(job="x", load_average=None, conditions=r.Conditions(thermal_status="severe"))
    warm = replace(warm, lines=(*warm.lines, done))
    made = side_by_side([_run(factory, 10.0), warm])
    assert any(alert.startswith("iPhone 16: The phone became warm") for alert in made.alerts)


def test_memory_and_long_runs_stand_side_by_side_too(factory):
    lifelike = factory.lifelike(repeats=6, rounds=6)
    page = markdown(side_by_side([lifelike]))
    assert "Memory in MB, by device" in page and "Where and how each was measured" in page


def test_it_has_no_picture(factory, tmp_path):
    with raises(InputError, "input.option", name="format", given="png"):
        write_report([_run(factory, 1.0)], tmp_path / "x.png", "png", "side-by-side")


def test_a_report_has_one_form(mvmoe, factory, tmp_path):
    code, _, said = mvmoe(
        "report", tmp_path / "a.jsonl", "--compare", "--side-by-side", "-o", tmp_path / "x.html"
    )
    assert code == 2 and "one form" in said


def test_the_first_screen_has_every_devices_targets_and_no_colour_twice(factory):
    runs = [_run(factory, 10.0), _run(factory, 20.0, "jvm"), _run(factory, 30.0, "ios", model="X")]
    made = side_by_side(runs)
    (ship,) = made.first
    rows = [[cell.text for cell in row] for row in ship.blocks[0].rows]
    assert [row[:3] for row in rows] == [
        ["host", "onnx", "ship this"], ["jvm", "onnx", "ship this"], ["X", "onnx", "ship this"],
    ]  # fmt: skip
    assert [name for name, _ in made.recommendations] == ["host", "jvm", "X"]
    (latency,) = [section for section in made.sections if section.id == "latency"]
    colours = [row.colour for row in latency.blocks[0].plot.rows]
    assert len(set(colours)) == 3


def test_parts_starts_and_right_answers_stand_side_by_side_too(factory):
    page = markdown(side_by_side([factory.lifelike(repeats=6, rounds=6)]))
    for caption in ("Right answers to labelled images", "Parts of an answer", "Start in milli"):
        assert f"{caption}" in page and "by device" in page
    assert "| host | decode | " not in page and "dispatcher, onnx | decode |" in page
