"""A run that a device plans itself: `mvmoe report` reads it, and a wrong engine is refused.

A test module has a class for its language, which inherits these tests.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from safetensors.numpy import load_file, save_file

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.records import Done, Failure
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.summary import summarize

BUNDLE = Path(__file__).parents[1] / "conformance/answers/bundles/dispatch"
SUBJECT = "dispatcher onnx"


def of_kind(run, kind):
    return [line for line in run.lines if isinstance(line, kind)]


def with_other_answers(folder):
    """A copy of the bundle whose golden vectors are of another model."""
    shutil.copytree(BUNDLE, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    record = manifest["golden"]["file"]
    path = folder / record["path"]
    vectors = load_file(path)
    vectors["outputs.answer"] = vectors["outputs.answer"] + 1
    save_file(vectors, path)
    record["bytes"] = path.stat().st_size
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


class OwnRunOfLanguage:
    """What a runner measures by itself."""

    runner: ModuleType
    """Builds and starts the program: kotlin_runner, swift_runner."""

    @classmethod
    def own_run(cls, bundle, output, *options):
        """The lines of a run, which must all be those of a results file."""
        cls.runner.build()
        cls.runner.run("own-run", str(bundle), "--output", str(output), "--repeats", "2", *options)
        (run,) = results.read(output)
        assert run.skipped == 0
        return run

    @pytest.fixture(scope="class")
    @classmethod
    def output(cls, tmp_path_factory):
        return tmp_path_factory.mktemp("own") / "results.jsonl"

    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, output):
        return cls.own_run(BUNDLE, output, "--rounds", "12", "--memory", "yes", "--sustained", "2")

    def test_it_has_every_kind_of_line_and_each_is_plausible(self, run):
        assert of_kind(run, Failure) == []
        assert all(line.is_plausible() for line in run.lines)
        counts = {kind: len(of_kind(run, kind)) for kind in (Answer, Opened, Sample, Memory)}
        assert counts == {Answer: run.run.inputs.images, Opened: 2, Sample: 2 * 12, Memory: 1}
        assert of_kind(run, SustainedSample)
        timed = [line.of for line in of_kind(run, TimedRun)]
        assert timed == ["sample", "sample", "sustained"]
        assert {tuple(line.by_unit) for line in of_kind(run, PlacementLine)} == {("CPU",)}
        assert [line.job for line in of_kind(run, Done)][-1] == "run"

    def test_the_first_line_says_of_the_bundle_what_the_bundle_says(self, run):
        (record,) = run.run.bundles
        bundle = Bundle.open(BUNDLE)
        told, ours = json.loads(json.dumps(record.targets["onnx"])), summarize(bundle.manifest)
        assert record.sha256 == bundle.manifest_sha256
        assert record.experts == tuple(rule.experts for rule in bundle.manifest.rules)
        assert told["bytes"] == ours.targets["onnx"].bytes
        assert told["strategy"] == ours.targets["onnx"].strategy
        assert len(told["graphs"]) == len(ours.targets["onnx"].graphs)

    def test_answers_are_the_golden_ones(self, run):
        golden = Bundle.open(BUNDLE).golden()
        for line in of_kind(run, Answer):
            assert line.max_abs_error < 1e-4
            members = golden["members.1"][line.image]
            assert line.routes == (tuple(members.nonzero()[0].tolist()),)

    def test_the_sustained_seconds_are_all_of_the_time(self, run):
        last = of_kind(run, SustainedSample)[-1]
        assert last.at_ns == pytest.approx(2e9, rel=0.25)
        assert last.pss and last.thermal is None

    def test_a_summary_has_its_figures(self, run):
        summary = summarize_run(run)
        measured = summary.sections["latency"][SUBJECT].wall_ms
        samples = [line.ns / 1e6 for line in of_kind(run, Sample)]
        assert measured.n == len(samples)
        assert (measured.min, measured.max) == pytest.approx((min(samples), max(samples)))
        assert measured.min <= measured.value <= measured.max
        assert {"memory", "sustained", "size", "verdict"} <= set(summary.sections)

    @pytest.mark.parametrize("kind", ["html", "md"])
    def test_a_report_is_made_of_it(self, mvmoe, run, output, tmp_path, kind):
        page = tmp_path / f"report.{kind}"
        code, out, _ = mvmoe("report", output, "-o", page, "--json")
        told = json.loads(out)
        assert (code, told["runs"], told["skipped"]) == (0, 1, 0)
        text = page.read_text()
        assert "golden vectors" in text
        assert "dispatch" in text

    def test_an_engine_that_fails_the_golden_vectors_is_refused_with_its_figures(self, tmp_path):
        bundle = with_other_answers(tmp_path / "wrong.mvmoe")
        run = self.own_run(bundle, tmp_path / "results.jsonl")
        (failure,) = of_kind(run, Failure)
        assert (failure.subject, failure.code) == (SUBJECT, "check.engine")
        assert "does not answer as the bundle's golden vectors" in failure.message
        assert re.search(r"outputs by 0\.\d+ \(bound 0\.0001", failure.message)
        assert of_kind(run, Sample) == []

    def test_a_bundle_that_is_refused_leaves_no_file_and_none_is_emptied(self, tmp_path):
        output = tmp_path / "results.jsonl"
        shutil.copytree(BUNDLE, tmp_path / "bundle")
        file = tmp_path / "bundle" / "onnx" / "stem.onnx"
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(AssertionError, match=r"bundle\.size-mismatch"):
            self.own_run(tmp_path / "bundle", output)
        assert not output.exists()
        output.write_text("of the day before")
        with pytest.raises(AssertionError, match=r"bundle\.size-mismatch"):
            self.own_run(tmp_path / "bundle", output)
        assert output.read_text() == "of the day before"

    def test_an_output_that_is_no_file_stays_what_it_is(self, tmp_path):
        self.runner.build()
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        words = ("own-run", str(BUNDLE), "--output", str(pipe), "--repeats", "1", "--rounds", "1")
        # A reader that waits for nobody: a program that ends before it writes is no hang.
        with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as lines:
            assert self.runner.popen(*words).wait(60) == 0
            found = lines.read()
        assert len(list(results.decode_lines(found))) > 3
        assert pipe.is_fifo()
