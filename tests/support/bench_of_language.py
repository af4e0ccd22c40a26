"""A device of another language with its real program: its lines are those of a results file.

A test module has a class for its language, which inherits these tests.
"""

import json
from types import ModuleType

import numpy as np
import pytest

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.change import ChangeSample
from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.paced import PacedSample
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.planning.running import Request, run_bench
from mvmoe_bench.measure.schema.records import Failure, Preset
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_export import Identity, export_bundle

SHORT = Preset(
    name="short", repeats=1, queries=4, seconds=0.0, most_seconds=10.0, warmup=1, starts=1,
    stream=12, cooldown=0.0, sustained=0.5, paced=0.2,
)  # fmt: skip
KINDS = (
    Answer,
    Opened,
    Sample,
    Start,
    GraphLoad,
    Memory,
    StreamSample,
    ChangeSample,
    PacedSample,
    SustainedSample,
    TimedRun,
    PlacementLine,
)
CONFIG = MobileVMoEConfig(
    image_size=8, patch_size=4, in_channels=1, num_classes=10, width=32, depth=3, heads=2,
    mlp_ratio=2.0, experts=3, moe_layers=1,
)  # fmt: skip


class BenchOfLanguage:
    """What `mvmoe bench` gives of both languages."""

    runner: ModuleType
    """Builds the program: kotlin_runner, swift_runner."""
    device: str
    language: str
    version: str
    """The field of a device's identity that has the language's version."""
    engine: str
    """What engines' names say of the language."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory):
        """A folder with a small checkpoint and its bundle."""
        folder = tmp_path_factory.mktemp(cls.device)
        save_checkpoint(Checkpoint(build(CONFIG, seed=0)), folder / "checkpoint")
        loaded = load_checkpoint(folder / "checkpoint")
        identity = Identity(
            name="small", family=loaded.config.family, checkpoint_sha256=loaded.sha256
        )
        export_bundle(loaded.model, folder / "small.mvmoe", identity=identity, skip_verify=True)
        return folder

    @pytest.fixture(scope="class")
    @classmethod
    def lines(cls, model, tmp_path_factory):
        """The lines of a run of both languages, with the oracles and a baseline."""
        cls.runner.build()
        return run_bench(
            Request(
                bundles=(model / "small.mvmoe",),
                output=tmp_path_factory.mktemp("lines") / "results.jsonl",
                preset=SHORT,
                device=cls.device,
                images="synthetic",
                compare=("bare", "static", "all-experts", "gather"),
                checkpoints=(model / "checkpoint",),
            )
        )

    def test_no_subject_fails(self, lines):
        assert [line for line in lines.lines if isinstance(line, Failure)] == []

    @pytest.mark.parametrize("kind", KINDS)
    def test_both_languages_give_every_kind_of_line(self, lines, kind):
        subjects = {line.subject for line in lines.lines if isinstance(line, kind)}
        assert any(self.language in subject for subject in subjects), subjects
        assert any("Python" in subject for subject in subjects), subjects

    def test_both_languages_say_how_each_kind_of_timed_answers_began(self, lines):
        timed = [line for line in lines.lines if isinstance(line, TimedRun)]
        for language in (self.language, "Python"):
            kinds = {line.of for line in timed if language in line.subject}
            assert kinds == {"sample", "paced", "sustained"}
        assert all(line.warmup for line in timed)

    def test_frames_are_those_of_the_repeat_each_once(self, lines):
        found = [line for line in lines.lines if isinstance(line, PacedSample)]
        for subject in {line.subject for line in found}:
            frames = [line.frame for line in found if line.subject == subject]
            # A machine that is busy may be late for some of the six.
            assert frames == sorted(set(frames)) and max(frames) < 6

    def test_lines_are_plausible(self, lines):
        ours = [
            line for line in lines.lines if self.language in (getattr(line, "subject", None) or "")
        ]
        assert ours
        assert all(line.is_plausible() for line in ours)

    def test_answers_and_routes_are_those_of_python(self, lines):
        answers = {}
        for line in lines.lines:
            if isinstance(line, Answer) and line.subject.startswith("dispatcher"):
                key = line.job, line.image
                answers.setdefault(key, {})[self.language in line.subject] = line
        assert answers
        for found in answers.values():
            assert found[True].routes == found[False].routes
            assert found[True].answer == found[False].answer
            # Of the largest answer; another version of the engine adds up in another order.
            assert found[True].max_rel_error == pytest.approx(found[False].max_rel_error, abs=1e-5)

    def test_every_subject_is_measured_in_both_languages(self, lines):
        keys = {subject.key for subject in lines.run.subjects}
        for kind in ("dispatcher", "bare", "static", "all-experts", "gather"):
            of_kind = {key for key in keys if key.startswith(kind)}
            assert len(of_kind) == 2, keys

    def test_a_change_is_of_the_routes_that_it_names(self, lines):
        changes = [
            line for line in lines.lines
            if isinstance(line, ChangeSample) and self.language in line.subject
        ]  # fmt: skip
        assert changes
        assert all(line.before != line.routes for line in changes)
        assert any(line.first for line in changes)
        assert not all(line.first for line in changes)

    def test_with_one_expert_in_memory_another_one_is_cold(self, lines):
        cold = [
            line.cold for line in lines.lines
            if isinstance(line, StreamSample) and self.language in line.subject and line.budget == 1
        ]  # fmt: skip
        assert any(any(stages) for stages in cold)

    def test_the_run_names_the_language(self, lines):
        assert lines.run.identity[self.version]
        assert "onnxruntime" in lines.run.identity[f"{self.version}_packages"]

    def test_a_summary_is_made_of_it(self, lines):
        summary = summarize_run(lines)
        assert self.engine in json.dumps(repr(summary))

    def test_a_bundle_that_is_not_there_is_its_subjects_failure(self, model, tmp_path):
        """A bundle that cannot be opened is its subject's failure, one sentence."""
        from mvmoe_bench.measure.devices import find_device
        from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
        from mvmoe_bench.measure.schema.records import EngineChoice

        self.runner.build()
        images = tmp_path / "images.npy"
        np.save(images, np.zeros((1, 1, 8, 8), np.float32))
        subject = SubjectOrder(
            key="lost", kind="dispatcher", root=str(tmp_path / "nowhere"), target="onnx",
            requested=EngineChoice(engine="x"), threads=1, queries=(Query(image=0),),
            program=self.device,
        )  # fmt: skip
        order = MeasurementOrder(
            job="x", kind="latency", repeat=0, preset=SHORT, images=str(images), subjects=(subject,)
        )
        seen = []
        find_device(self.device).run(order, seen.append)
        (failure,) = seen
        assert failure.subject == "lost"
        assert "is not a directory" in failure.message
