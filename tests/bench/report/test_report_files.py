"""Files of each format, and what is refused."""

from pathlib import Path

import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_bench.report.report_files import write_report
from mvmoe_deploy.errors import InputError


@pytest.fixture(scope="module")
def run(factory):
    return factory.lifelike(repeats=6, rounds=8)


@pytest.fixture(scope="module")
def small(factory):
    """Makes a run of two subjects that always take the same."""

    def make(ms=8.0, **fields):
        subjects = [factory.subject(name) for name in ("dispatcher", "static")]
        lines = [line for s in subjects for line in factory.constant(s.key, ms)]
        return factory.run(subjects, lines=lines, **fields)

    return make


@pytest.mark.parametrize(("format", "start"), [("html", "<!doctype html>"), ("md", "# Benchmark")])
def test_text_formats(small, tmp_path, format, start):
    path = tmp_path / f"report.{format}"

    write_report([small()], path, format)

    assert path.read_text(encoding="utf-8").startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_picture_has_two_columns(run, tmp_path):
    path = tmp_path / "report.png"

    write_report([run], path, "png")

    with Image.open(path) as picture:
        assert picture.width == 2 * 896
        assert picture.getpixel((4, 4))[:3] == (255, 255, 255)


def test_a_picture_of_an_empty_run_is_a_picture(factory, tmp_path):
    run = factory.run([factory.subject("dispatcher")])

    write_report([run], tmp_path / "report.png", "png")

    assert (tmp_path / "report.png").stat().st_size > 1000


@pytest.mark.parametrize("format", ["html", "md"])
def test_a_comparison(small, tmp_path, format):
    other = small(10.0, path=Path("after.jsonl"))

    write_report([small(), other], tmp_path / "out", format, "compare")

    text = (tmp_path / "out").read_text(encoding="utf-8")
    assert "after.jsonl compared with results.jsonl" in text
    assert "slower" in text
    assert "How verdicts are made" in text


def test_unlike_runs_are_refused_and_nothing_is_left(small, tmp_path):
    other = small(identity={"cpu": "Apple M4"})

    with raises(InputError, "results.unlike", found="CPU model"):
        write_report([small(), other], tmp_path / "report.html", "html")

    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_one_file_can_be_compared(small, tmp_path):
    write_report([small(), small(9.0)], tmp_path / "report.md", "md", "compare")

    assert "slower" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_alike_runs_make_one_report(small, tmp_path):
    write_report([small(), small(9.0)], tmp_path / "report.md", "md")

    assert "12 repeats" in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [1, 3])
def test_a_comparison_needs_two_files(factory, tmp_path, count):
    s = factory.subject("dispatcher")
    runs = [factory.run([s], path=Path(f"{i}.jsonl")) for i in range(count)]

    with raises(InputError, "input.option", name="results", given=count, expected=2):
        write_report(runs, tmp_path / "report.html", "html", "compare")


def test_no_results_are_refused(tmp_path):
    with raises(InputError, "input.option", name="results", given=0):
        write_report([], tmp_path / "report.html", "html")


def test_a_comparison_has_no_picture(small, tmp_path):
    with raises(InputError, "input.option", name="format", given="png"):
        write_report([small(), small()], tmp_path / "report.png", "png", "compare")


FORMATS = ("html", "md", "png")


@pytest.mark.parametrize("format", FORMATS)
def test_a_report_is_replaced_by_one_of_any_format_but_not_unasked(small, tmp_path, format):
    path = tmp_path / "report"
    write_report([small()], path, format)
    before = path.read_bytes()
    with raises(InputError, "output.exists", path=str(path)):
        write_report([small()], path, format)
    assert path.read_bytes() == before
    for other in FORMATS:
        write_report([small()], path, format, replace=True)
        write_report([small()], path, other, replace=True)


def test_a_comparison_is_a_report_too(small, tmp_path):
    for _ in range(2):
        write_report([small(), small()], tmp_path / "c.html", "html", form="compare", replace=True)


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><title>mvmoe report</title>",
        b"# A report\n\nof mvmoe report\n",
        b"\x89PNG\r\n\x1a\n and then something",
        b"precious",
    ],
)
def test_a_page_of_somebody_is_never_replaced(small, tmp_path, content):
    path = tmp_path / "report.html"
    path.write_bytes(content)
    with raises(InputError, "output.foreign", path=str(path)):
        write_report([small()], path, "html", replace=True)
    assert path.read_bytes() == content


def test_the_results_are_never_replaced_by_their_report(small, tmp_path):
    path = tmp_path / "results.jsonl"
    write_report([small()], path, "md")
    with raises(InputError, "output.is-input", input=str(path)):
        write_report([small(path=path)], path, "md", replace=True)
