"""Runs from end to end on real engines: what is in the file, and what becomes of trouble."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_bench.measure.devices import host
from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.jobs.answers import Answer, ReferenceAnswers
from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.preparation import PreparationSample
from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.results import read
from mvmoe_deploy.errors import (
    BundleError,
    CheckpointError,
    InputError,
    MvmoeError,
    OutputError,
    UnsupportedPlatformError,
)
from mvmoe_deploy.models import build, load_checkpoint
from mvmoe_export import export_bundle

SUBJECTS = {
    "dispatcher onnx", "static onnx", "all-experts onnx", "gather onnx", "dense onnx", "eager",
}  # fmt: skip


def of(lines, kind, subject=None):
    return [
        line
        for line in lines
        if type(line) is kind and subject in (None, getattr(line, "subject", None))
    ]


@pytest.fixture(scope="module")
def run(measured):
    return read(measured)[-1]


def test_every_subject_is_measured_and_nothing_failed(run):
    assert {subject.key for subject in run.run.subjects} == SUBJECTS
    assert of(run.lines, r.Failure) == []
    counts = Counter(line.subject for line in of(run.lines, Sample))
    preset = run.run.preset
    for key in SUBJECTS - {"dispatcher onnx"}:
        assert counts[key] >= preset.repeats * preset.queries
    assert len({counts[key] for key in SUBJECTS}) == 1


def test_in_each_round_every_subject_has_one_turn_and_places_rotate(run):
    rounds = {}
    for line in of(run.lines, Sample):
        rounds.setdefault((line.repeat, line.round), []).append(line)
    for lines in rounds.values():
        assert {line.subject for line in lines} == SUBJECTS
        assert sorted(line.position for line in lines) == list(range(len(SUBJECTS)))
    first = {(line.repeat, line.round): line.subject for line in of(run.lines, Sample)
             if line.position == 0}  # fmt: skip
    assert set(Counter(first.values())) == SUBJECTS


def test_natural_samples_of_a_round_are_of_one_image(run):
    for key, lines in _by_round(run).items():
        images = {line.image for line in lines if not line.forced}
        assert len(images) == 1 or any(line.forced for line in lines), key


def _by_round(run):
    rounds = {}
    for line in of(run.lines, Sample):
        rounds.setdefault((line.repeat, line.round), []).append(line)
    return rounds


def test_every_route_was_measured_by_image_or_by_force(run):
    samples = of(run.lines, Sample, "dispatcher onnx")
    assert {line.routes for line in samples} == {((expert,),) for expert in range(4)}
    answers = {line.image: line.routes for line in of(run.lines, Answer, "dispatcher onnx")}
    for line in samples:
        assert line.forced or answers[line.image] == line.routes


def test_parts_are_within_the_whole_and_only_dispatchers_have_them(run):
    for line in of(run.lines, Sample):
        assert (line.laps is not None) == (line.subject == "dispatcher onnx")
        if line.laps:
            assert len(line.laps.select) == len(line.laps.load) == len(line.laps.expert) == 1
            assert min(line.laps.stem, line.laps.expert[0], line.laps.select[0]) > 0


def test_answers_are_pytorchs(run):
    answers = of(run.lines, Answer)
    assert {line.subject for line in answers} == SUBJECTS - {"dense onnx"}
    assert max(line.max_abs_error for line in answers) < 1e-4
    digits = of(run.lines, Answer, "dispatcher onnx")
    assert [line.image for line in digits] == list(range(359))
    assert all(line.label in "0123456789" for line in digits)


def test_pytorchs_models_are_graded_on_every_labelled_image(run):
    found = {line.model: line for line in of(run.lines, ReferenceAnswers)}
    assert set(found) == {"routed", "dense"}
    assert {line.images for line in found.values()} == {359}
    wrong = {
        line.image for line in of(run.lines, Answer, "dispatcher onnx")
        if str(line.answer) != line.label
    }  # fmt: skip
    assert set(found["routed"].wrong) == wrong
    # Weights of its own, and random: it errs on others.
    assert 0 < len(found["dense"].wrong) < 359 and set(found["dense"].wrong) != wrong


def test_pictures_are_decoded_and_resized_in_each_repeat(run):
    found = of(run.lines, PreparationSample)
    assert Counter(line.repeat for line in found) == {0: 24, 1: 24}
    assert {line.subject for line in found} == {"dispatcher onnx"}
    assert {line.image for line in found} == set(range(24))
    assert all(line.decode_ns and line.resize_ns for line in found)


def test_starts_loads_and_memory_are_of_fresh_processes(run):
    starts = {line.subject: line for line in of(run.lines, Start)}
    assert set(starts) == {"dispatcher onnx", "static onnx", "all-experts onnx"}
    ours = starts["dispatcher onnx"]
    assert min(ours.parse_ns, ours.hash_ns, ours.open_ns, ours.first_ns) > 0
    assert ours.engine_import_ns > 1e6 and ours.code_import_ns > 1e6 and ours.process_ns > 1e6
    assert starts["static onnx"].parse_ns is None
    loads = of(run.lines, GraphLoad)
    (first,) = {line.routes[0] for line in of(run.lines, Answer, "dispatcher onnx")
                if line.image == 0}  # fmt: skip
    assert {line.route for line in loads} == {(e,) for e in range(4)} - {first}
    assert all(line.load_ns > line.warm_ns for line in loads)
    memory = of(run.lines, Memory)
    assert {line.budget for line in memory if line.subject == "dispatcher onnx"} == {1, 2, 3, 4}
    for line in memory:
        assert line.base.total < line.loaded.total and line.released.total > 0
        assert line.memory_of != "own" or line.loaded.anonymous > line.base.anonymous
        assert line.peak_rss is None or line.peak_rss > 1e7


def test_residency_is_measured_for_every_budget_over_one_sequence(run):
    lines = of(run.lines, StreamSample)
    budgets = {line.budget for line in lines}
    assert budgets == {1, 2, 3, 4}
    sequence = [line.image for line in lines if line.budget == 1]
    for budget in budgets:
        mine = [line for line in lines if line.budget == budget]
        assert [line.image for line in mine] == sequence
        for before, line in pairwise(mine):
            assert line.switched == (before.routes != line.routes,)
            assert not line.cold[0] or line.switched[0]
    cold = Counter(line.budget for line in lines if line.cold[0])
    switches = sum(line.switched[0] for line in lines if line.budget == 1)
    # With room for one, every change of route is a load; with room for all, none is.
    assert cold[1] == switches > 0 and cold[4] == 0
    assert cold[1] >= cold[2] >= cold[3]


def test_the_first_line_says_what_it_was_made_with(run):
    identity = run.run.identity
    assert identity["cores_logical"] >= 1 and identity["packages"]["onnxruntime"]
    assert run.run.inputs.source == "digits" and not run.run.inputs.forced
    opened = of(run.lines, Opened, "dispatcher onnx")
    assert {line.actual.provider for line in opened} == {"CPU"}
    assert run.run.subjects[0].requested.provider == "CPU"
    (placed,) = {tuple(line.by_unit) for line in of(run.lines, PlacementLine)}
    assert placed == ("CPU",)


def test_synthetic_images_follow_the_distribution_whatever_the_router_says(ask):
    result = ask(images="synthetic", distribution="1=0.75,3=0.25")
    samples = of(result.lines, Sample)
    assert Counter(line.routes for line in samples) == {((1,),): 9, ((3,),): 3}
    assert all(line.forced for line in samples) and result.run.inputs.forced
    stream = of(result.lines, StreamSample)
    assert Counter(line.routes for line in stream if line.budget == 1) == {
        ((1,),): 18, ((3,),): 6,
    }  # fmt: skip


def test_rounds_that_go_on_still_compare_answers_to_one_image(ask, tiny, tmp_path):
    """Routes that are covered lengthen a dispatcher's questions, not those of its baselines."""
    for number in range(3):
        Image.new("L", (8, 8), 60 * number).save(tmp_path / f"{number}.png")
    result = ask(
        images=str(tmp_path),
        compare=("eager",),
        checkpoints=(tiny / "checkpoint",),
        preset=_smallest(queries=5, seconds=0.5),
    )
    rounds = _by_round(result)
    assert len(rounds) > 20
    assert any(line.forced for lines in rounds.values() for line in lines)
    for lines in rounds.values():
        assert any(line.forced for line in lines) or len({line.image for line in lines}) == 1


def test_several_routed_stages_and_two_experts_a_route(ask, several):
    result = ask(
        bundles=(several / "tiny.mvmoe",),
        compare=("static", "all-experts", "gather", "eager"),
        checkpoints=(several / "checkpoint",),
        images="synthetic",
        preset=_smallest(queries=3, starts=1),
    )
    assert of(result.lines, r.Failure) == []
    ours = of(result.lines, Sample, "dispatcher onnx")
    assert all(len(line.laps.expert) == 2 and len(line.routes) == 2 for line in ours)
    assert max(line.max_abs_error for line in of(result.lines, Answer)) < 1e-4
    assert {line.stage for line in of(result.lines, GraphLoad)} == {1, 2}


def test_a_bundle_without_experts_has_nothing_to_stream(ask, tiny, tmp_path):
    model = build(load_checkpoint(tiny / "checkpoint").config.dense(), seed=0)
    export_bundle(model, tmp_path / "dense.mvmoe", skip_verify=True)
    result = ask(
        bundles=(tmp_path / "dense.mvmoe",),
        images="synthetic",
        preset=_smallest(starts=1, stream=4),
    )
    assert of(result.lines, r.Failure) == []
    assert of(result.lines, Sample, "dispatcher onnx")


def test_two_bundles_in_one_run_are_told_apart(ask, tiny, several):
    result = ask(
        bundles=(tiny / "tiny.mvmoe", several / "tiny.mvmoe"),
        images="synthetic",
        threads=2,
        preset=_smallest(),
    )
    assert [bundle.name for bundle in result.run.bundles] == ["tiny", "tiny-2"]
    assert {line.subject for line in of(result.lines, Sample)} == {
        "tiny: dispatcher onnx", "tiny-2: dispatcher onnx",
    }  # fmt: skip


def test_an_interrupted_run_keeps_its_lines_and_goes_on(ask, tmp_path, monkeypatch):
    follow = HostDevice.run

    def interrupted(self, order, emit):
        if order.job == "latency:1":
            raise KeyboardInterrupt
        follow(self, order, emit)

    preset = _smallest(repeats=2, queries=3)
    monkeypatch.setattr(HostDevice, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(preset=preset)
    monkeypatch.setattr(HostDevice, "run", follow)
    path = tmp_path / "results.jsonl"
    before = read(path)[0]
    assert len(of(before.lines, Sample)) > 0
    with path.open("ab") as file:
        file.write(b'{"kind":"sample","job":"latency:1","subj')
    result = ask(resume=True, preset=preset)
    assert result.skipped == 0 and len(of(result.lines, r.Resumed)) == 1
    assert [line for line in result.lines if line in before.lines] == list(before.lines)
    jobs = Counter(line.job for line in of(result.lines, r.Done))
    assert set(jobs.values()) == {1} and "latency:1" in jobs
    # What has ended is left as it is.
    assert ask(resume=True, preset=preset) == result


def test_what_processes_keep_for_themselves_goes_away_with_the_run(ask, monkeypatch):
    """`torch.compile` keeps code where all processes of a run find it, and no other run does."""
    places = []

    def interrupted(self, order, emit):
        names = ("TMPDIR", "TORCHINDUCTOR_CACHE_DIR")
        places.extend(Path(host._environment(order)[name]) for name in names)
        assert places[0].is_dir()
        raise KeyboardInterrupt

    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setattr(HostDevice, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(preset=_smallest())
    temporary, cache = places
    assert temporary in cache.parents and not temporary.exists()


def test_a_killed_run_goes_on(tiny, tmp_path):
    path = tmp_path / "results.jsonl"
    command = [
        sys.executable, "-m", "mvmoe_deploy", "bench", str(tiny / "tiny.mvmoe"), "--preset",
        "quick", "--device", "host", "-o", str(path),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if path.exists() and b'"latency:0"' in path.read_bytes():
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode in (130, -signal.SIGINT), said
    assert f"what was measured is in {path}; the same command with --resume goes on" in said
    kept = read(path)[0]
    assert of(kept.lines, Sample) and not any("Traceback" in line for line in said.splitlines())


def test_other_options_cannot_go_on_with_a_run(ask):
    ask(preset=_smallest(name="a"))
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["name"]) == ("resume.mismatch", "preset"),
    ):
        ask(preset=_smallest(name="b"), threads=2, resume=True)
    with pytest.raises(InputError, check=lambda error: error.code == "output.exists"):
        ask()


def _smallest(**fields):
    """A preset that measures latency alone, unless told otherwise."""
    given = {
        "name": "a", "repeats": 1, "queries": 1, "seconds": 0.0, "most_seconds": 20.0,
        "warmup": 0, "starts": 0, "stream": 0, "cooldown": 0.0,
    }  # fmt: skip
    return r.Preset(**given | fields)


@pytest.mark.parametrize(
    ("fields", "error", "code", "named"),
    [
        (
            {"compare": ("static",)},
            InputError,
            "input.option",
            {"name": "compare", "given": ["static"]},
        ),
        ({"compare": ("magic",), "checkpoints": 1}, InputError, "part.unknown", {"name": "magic"}),
        (
            {"checkpoints": 2},
            InputError,
            "input.option",
            {"name": "checkpoints", "given": 2, "expected": 1},
        ),
        (
            {"device": "toaster"},
            InputError,
            "part.unknown",
            {"kind": "devices", "name": "toaster"},
        ),
        (
            {"device": "macos"},
            UnsupportedPlatformError,
            "engine.unsupported-platform",
            {"name": "macos"},
        ),
        ({"targets": ("coreml",)}, BundleError, "bundle.no-target", {"target": "coreml"}),
        ({"distribution": "9=1"}, InputError, "routing.unknown-route", {"route": [9]}),
        ({"images": "/nowhere"}, InputError, "data.invalid", {"path": "/nowhere"}),
        ({"checkpoints": "other"}, InputError, "checkpoint.other-model", {}),
        ({"checkpoints": "none"}, CheckpointError, "checkpoint.missing", {}),
        ({"dense": 2}, InputError, "input.option", {"name": "dense", "given": 2, "expected": 1}),
        ({"dense": 1}, InputError, "checkpoint.other-model", {"expected": "dense"}),
        ({"dense": "none"}, CheckpointError, "checkpoint.missing", {}),
        (
            {"cache": Path("/dev/null/cache")},
            OutputError,
            "output.refused",
            {"path": "/dev/null/cache"},
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(  # noqa: PLR0917
    request, tmp_path, fields, error, code, named
):
    ask, tiny, several, monkeypatch = (
        request.getfixturevalue(name) for name in ("ask", "tiny", "several", "monkeypatch")
    )
    monkeypatch.setattr(sys, "platform", "linux")
    places = {
        1: [tiny / "checkpoint"],
        2: 2 * [tiny / "checkpoint"],
        "other": [several / "checkpoint"],
        "none": [tmp_path / "nowhere"],
    }
    for name in {"checkpoints", "dense"} & fields.keys():
        fields = fields | {name: tuple(places[fields[name]])}
    with raises(error, code, **named):
        ask(**fields)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_for_the_baselines_is_known_before_anything_is_written(
    ask, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=1000))
    with raises(OutputError, "output.no-space", found=1000):
        ask(compare=("static", "all-experts"), checkpoints=(tiny / "checkpoint",))
    assert list(tmp_path.iterdir()) == []


SLOW = """
import time
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner

LOAD, EXPERT, STEM = 0.030, 0.012, 0.006


class Slow(OnnxRunner):
    def load(self, graph):
        time.sleep(LOAD if graph.startswith("step") else 0)
        return SlowGraph(super().load(graph), EXPERT if graph.startswith("step") else STEM)


class SlowGraph:
    def __init__(self, graph, seconds):
        self.graph, self.seconds = graph, seconds

    def bind(self, inputs, outputs):
        call = self.graph.bind(inputs, outputs)

        def run():
            time.sleep(self.seconds)
            call()

        return run


PART = Slow
"""


@pytest.fixture
def reformatted(tiny, tmp_path):
    """A copy of the bundle whose target has the format of a plug-in's runner."""

    def make(name):
        path = tmp_path / f"{name}.mvmoe"
        shutil.copytree(tiny / "tiny.mvmoe", path)
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["targets"]["onnx"]["format"] = name
        (path / "manifest.json").write_text(json.dumps(manifest))
        return path

    return make


def test_a_slow_runner_shows_where_it_is_slow(ask, plug_in, reformatted):
    plug_in("slowrunner", SLOW, "[mvmoe.parts]\nrunners.slow = slowrunner\n")
    result = ask(bundles=(reformatted("slow"),), images="synthetic", plugins=True)
    warm = [line.laps for line in of(result.lines, Sample)]
    assert 12 < median(laps.expert[0] for laps in warm) / 1e6 < 30
    assert 6 < median(laps.stem for laps in warm) / 1e6 < 12
    assert median(laps.load[0] for laps in warm) / 1e6 < 2
    assert median(laps.rest for laps in warm) / 1e6 < 2
    loads = [line.load_ns / 1e6 for line in of(result.lines, GraphLoad)]
    assert 30 < median(loads) < 60
    (start,) = of(result.lines, Start)
    assert start.first_laps.load[0] / 1e6 > 30 and start.hash_ns / 1e6 < 30
    cold = [line.ns / 1e6 for line in of(result.lines, StreamSample) if line.cold[0]]
    same = [line.ns / 1e6 for line in of(result.lines, StreamSample) if not line.switched[0]]
    assert 30 < median(cold) - median(same) < 60


BROKEN = """
import os
import signal
from mvmoe_bench.measure.subjects.contract import Subject, SubjectLook
from mvmoe_bench.measure.schema.records import EngineChoice


class Kind:
    name, per_target, needs_model, answers = "broken", True, False, None
    is_started_alone = holds_one_route = False
    look = SubjectLook()

    def prepare(self, request):
        return str(request.bundle.path)

    def make(self, order, images, watch):
        return Broken(images)


class Broken(Subject):
    actual = EngineChoice(engine="broken")

    def __init__(self, images):
        self.left = 5

    def answer(self, query):
        self.left -= 1
        if not self.left:
            HOW
        return None


import sys
PART = Kind()
"""


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("raise ValueError('out of order')", "ValueError: out of order"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("os._exit(7)", "ended with exit code 7"),
    ],
)
def test_an_engine_that_fails_in_the_middle_is_recorded_and_the_others_go_on(
    ask, plug_in, how, says
):
    plug_in(
        "brokensubject",
        BROKEN.replace("HOW", how),
        "[mvmoe.parts]\nsubjects.broken = brokensubject\n",
    )
    preset = _smallest(repeats=2, queries=4)
    result = ask(compare=("broken",), checkpoints=(), preset=preset, images="synthetic")
    (failure,) = of(result.lines, r.Failure)
    assert failure.subject == "broken onnx" and says in failure.message
    ours = of(result.lines, Sample, "dispatcher onnx")
    assert {line.repeat for line in ours} == {0, 1} and len(ours) == 8


def test_an_engine_that_does_not_open_is_recorded(ask, tiny, tmp_path):
    path = tmp_path / "bad.mvmoe"
    shutil.copytree(tiny / "tiny.mvmoe", path)
    with raises(MvmoeError, "bundle.size-mismatch", file="onnx/stem.onnx"):
        (path / "onnx" / "stem.onnx").write_bytes(b"nothing")
        ask(bundles=(path,))


WRONG = """
import numpy as np
from mvmoe_bench.measure.subjects.contract import Subject, SubjectLook
from mvmoe_bench.measure.schema.records import EngineChoice


class Kind:
    name, per_target, needs_model, answers = "wrong", False, True, "own"
    is_started_alone = holds_one_route = False
    look = SubjectLook()

    def prepare(self, request):
        return str(request.checkpoint)

    def make(self, order, images, watch):
        return Wrong()


class Wrong(Subject):
    actual = EngineChoice(engine="wrong")

    def answer(self, query):
        return {"answer": np.full((1, 10), np.nan, np.float32)}


PART = Kind()
"""


def test_a_subject_that_answers_otherwise_is_not_timed(ask, plug_in, tiny):
    plug_in("wrongsubject", WRONG, "[mvmoe.parts]\nsubjects.wrong = wrongsubject\n")
    result = ask(compare=("wrong",), checkpoints=(tiny / "checkpoint",), preset=_smallest())
    (failure,) = of(result.lines, r.Failure)
    assert failure.subject == "wrong" and "answers otherwise than PyTorch" in failure.message
    assert of(result.lines, Sample, "wrong") == []
    assert len(of(result.lines, Sample, "dispatcher onnx")) == 1
