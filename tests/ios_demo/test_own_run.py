"""The button *Start* of the iOS demo, over ONNX Runtime: `mvmoe report` reads its file."""

import subprocess
from pathlib import Path

import demo_bench
import pytest

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.records import Conditions, Done, Failure

pytestmark = pytest.mark.skipif(
    bool(demo_bench.LACKS), reason=f"this machine lacks {demo_bench.LACKS}"
)

BUNDLE = Path(__file__).parents[1] / "conformance/answers/bundles/dispatch"
BACKGROUND = (
    '{"kind":"failure","job":"background","subject":null,"message":"In the background.",'
    '"code":null}\n'
)


def _measure(bundle, folder):
    """How the program ended; the file lies in the folder."""
    demo_bench.build()
    return subprocess.run(
        [*demo_bench.command(), str(bundle), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def results_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    ended = _measure(BUNDLE, folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (file,) = folder.glob("mvmoe-*.jsonl")
    assert ended.stdout == f"Done. The results are in {file.name}.\n"
    return file


def test_every_line_is_one_of_a_results_file(results_file):
    (run,) = results.read(results_file)
    assert run.skipped == 0
    assert {type(line) for line in run.lines} >= {Answer, Sample, Memory, Done}
    assert [line for line in run.lines if isinstance(line, Failure)] == []
    assert all(line.is_plausible() for line in run.lines)
    assert run.run.device == "ios"
    assert [subject.key for subject in run.run.subjects] == ["dispatcher onnx"]
    assert [bundle.name for bundle in run.run.bundles] == ["dispatch"]
    assert run.run.identity["battery"] == 80 and run.run.identity["low_power"] is False
    # No thermal sensor is asked here: the app's own word counts.
    conditions = {line.conditions for line in run.lines if isinstance(line, Done)}
    assert conditions == {Conditions(thermal_status="none", battery_level=80, low_power=False)}


def test_a_report_is_made_of_it(results_file, mvmoe, tmp_path):
    code, _, said = mvmoe("report", results_file, "-o", tmp_path / "report.html")
    assert code == 0, said
    page = (tmp_path / "report.html").read_text()
    assert "all repeats ran in one process" in page
    assert "After the first job the phone had thermal status none" in page


def test_a_run_in_low_power_mode_or_in_the_background_is_warned_of(results_file, mvmoe, tmp_path):
    """What the app writes then, which the tests of its logic hold it to."""
    text = results_file.read_text().replace('"low_power":false', '"low_power":true')
    told = tmp_path / "told.jsonl"
    told.write_text(text + BACKGROUND)
    code, _, said = mvmoe("report", told, "-o", tmp_path / "report.html")
    assert code == 0, said
    page = (tmp_path / "report.html").read_text()
    assert "The phone saved power while it measured" in page and "In the background." in page


def test_a_bundle_that_is_not_there_is_a_sentence_and_leaves_no_file(tmp_path):
    ended = _measure(tmp_path / "nothing.mvmoe", tmp_path / "results")
    assert ended.returncode == 1
    assert "nothing.mvmoe" in ended.stdout
    assert list(tmp_path.glob("results/*.jsonl")) == []
