"""The command: one JSON object, the samples, and one sentence for what cannot be measured."""

import json
import subprocess
import sys

import pytest

from mvmoe_bench import dispatch
from mvmoe_bench.report import show
from mvmoe_bench.subjects import SUBJECTS

RUN = ["--preset", "digits", "--iterations", "4", "--warmup", "1", "--repeats", "2", "--json"]


@pytest.fixture(scope="module")
def measured(graphs, tmp_path_factory):
    _, _, cache = graphs
    samples = tmp_path_factory.mktemp("samples") / "samples.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "mvmoe_bench.dispatch", *RUN, "--cache", cache, "-o", samples],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done, [json.loads(line) for line in samples.read_text().splitlines()]


@pytest.fixture
def ended(monkeypatch, capsys):
    """Run the command here; gives its exit code, stdout and stderr."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            dispatch.main(list(arguments))
        return end.value.code, *capsys.readouterr()

    return run


def test_stdout_is_one_json_object_and_stderr_is_empty(measured):
    done, _ = measured

    assert len(done.stdout.splitlines()) == 1
    assert isinstance(json.loads(done.stdout), dict)
    assert done.stderr == ""


def test_every_ratio_has_a_value_an_interval_and_what_is_wanted(measured):
    ratios = json.loads(measured[0].stdout)["ratios"]

    assert {
        "dispatcher_over_static", "all_experts_over_dispatcher", "gather_over_dispatcher",
        "eager_over_dispatcher", "cold_start_dispatcher_over_static",
        "memory_dispatcher_over_static", "memory_added_dispatcher_over_static",
    } <= ratios.keys()  # fmt: skip
    for ratio in ratios.values():
        assert ratio["low"] <= ratio["value"] <= ratio["high"]
        assert ratio["confidence"] == 0.95
        assert ratio["n"] in (2, 8)
    assert ratios["dispatcher_over_static"]["wanted"] == {"at_most": 1.02}
    assert isinstance(ratios["dispatcher_over_static"]["met"], bool)
    assert ratios["gather_over_dispatcher"]["wanted"] is None


def test_the_result_says_on_what_it_was_made(measured):
    data = json.loads(measured[0].stdout)

    assert {"cpu", "cores_logical", "os", "python", "packages", "load_average"} <= data[
        "identity"
    ].keys()
    assert data["identity"]["packages"]["onnxruntime"]
    assert data["run"]["threads"] == 1
    assert data["run"]["seed"] == 0
    assert data["harness_overhead_ns"] > 0
    assert len(data["routes"]) > 1


def test_subjects_answer_alike_and_the_parts_are_all_of_it(measured):
    data = json.loads(measured[0].stdout)

    assert set(SUBJECTS) <= data["max_abs_error"].keys()
    assert "dispatcher against static" in data["max_abs_error"]
    assert max(data["max_abs_error"].values()) < data["tolerance"]
    assert sum(part["share"] for part in data["parts_ms"].values()) == pytest.approx(1)


def test_every_sample_is_kept(measured):
    _, rows = measured

    latency = [row for row in rows if row["kind"] == "latency"]
    assert len(latency) == 2 * 4 * len(SUBJECTS)
    assert {row["subject"] for row in latency} == set(SUBJECTS)
    assert all(row["ns"] > 0 for row in latency)
    assert len(rows) - len(latency) == 2 * 3


def test_a_person_gets_tables(measured, capsys):
    from rich.console import Console

    show(Console(width=120), json.loads(measured[0].stdout))

    shown = capsys.readouterr().out
    assert "dispatcher_over_static" in shown
    assert "<= 1.02" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "nonesuch"], "preset 'nonesuch' is unknown"),
        (["--iterations", "0"], "Invalid value for '--iterations': 0 is not in the range"),
        (["--threads", "0"], "Invalid value for '--threads'"),
        (["--repeats", "0"], "Invalid value for '--repeats'"),
        (["--warmup", "-1"], "Invalid value for '--warmup'"),
        (["--preset", "digits", "--experts", "0"], "Invalid value for '--experts'"),
        (["--preset", "vit_digits"], "has 0 routed stages"),
        (["--nonesuch"], "No such option"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence_and_exit_2(ended, arguments, sentence):
    code, out, err = ended(*arguments)

    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_several_routed_stages_are_one_sentence_and_exit_2(ended, tmp_path):
    config = {
        "image_size": 8, "patch_size": 4, "in_channels": 1, "width": 8, "heads": 2, "depth": 3,
        "num_classes": 5, "experts": 3, "routers": "per-layer",
    }  # fmt: skip
    file = tmp_path / "model.json"
    file.write_text(json.dumps({"family": "mobile_vmoe", "config": config}))

    code, out, err = ended("--preset", str(file), "--json")

    assert code == 2
    assert json.loads(out)["error"]["type"] == "InputError"
    assert "has 2 routed stages; this benchmark compares models with one" in err


def test_ctrl_c_is_one_sentence(ended, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mvmoe_bench.comparison.compare", interrupted)

    code, out, err = ended("--preset", "digits")

    assert (code, out) == (130, "")
    assert err.strip() == "interrupted; nothing half-written was left"


def test_importing_the_room_imports_no_engine():
    heavy = ("torch", "onnx", "onnxruntime", "mvmoe_export", "scipy")
    code = (
        "import sys, mvmoe_bench, mvmoe_bench.dispatch, mvmoe_bench.subjects; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
