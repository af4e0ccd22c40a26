"""Several processes: the result of one, one report, errors as themselves, and they end together."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from expected_errors import raises
from safetensors.torch import load_file

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training import Silent, pipeline, train


class StopAfter(Silent):
    """Gives up when the first epoch of the routed phase is done."""

    def epoch(self, record: dict) -> None:
        if (record["phase"], record["epoch"]) == ("super-class", 1):
            raise InputError("that is enough for now", name="enough")


def test_two_processes_train_like_one_and_resume_exactly(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(dense_epochs=6, moe_epochs=2, accelerator="cpu", devices=2)
    report = train(options, tmp_path / "two")
    alone = train(tiny_options(dense_epochs=6, moe_epochs=2, accelerator="cpu"), tmp_path / "one")
    assert (report.processes, alone.processes) == (2, 1)
    assert report.images == alone.images
    assert sum(map(sum, report.dense.confusion)) == report.images["held_out"]
    assert report.dense.test_accuracy == pytest.approx(alone.dense.test_accuracy, abs=0.05)
    assert report.routings[0].test_accuracy == pytest.approx(
        alone.routings[0].test_accuracy, abs=0.08
    )
    # The error of the first process arrives here as itself, and the run can be resumed.
    with raises(InputError, "input.invalid", name="enough"):
        train(options, tmp_path / "again", progress=StopAfter())
    train(options, tmp_path / "again", resume=True)
    for name in ("dense", "super-class"):
        ours, theirs = (
            load_file(tmp_path / run / name / "model.safetensors") for run in ("two", "again")
        )
        assert all(bool((ours[key] == theirs[key]).all()) for key in ours)
    # Both processes have the checkpoint that a run starts from.
    start = replace(options, start=str(tmp_path / "two" / "dense"), dense_epochs=0)
    assert train(start, tmp_path / "started").dense == replace(report.dense, epochs=None)
    weights = [
        (tmp_path / run / "super-class" / "model.safetensors").read_bytes()
        for run in ("two", "started")
    ]
    assert weights[0] == weights[1]


def test_a_machine_that_is_not_there_is_refused(tiny_options, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        train(tiny_options(accelerator="cuda"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_several_machines_need_something_that_starts_them(tiny_options, tmp_path: Path) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        train(tiny_options(num_nodes=2, accelerator="cpu"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


STUCK = """
import sys, threading
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.system.processes import interruptible
from mvmoe_deploy.training.launch import launch
from mvmoe_deploy.training.train_options import TrainOptions

def stuck(fabric):
    with open(sys.argv[1], "w") as pipe:
        pipe.write("x")
        pipe.flush()
        threading.Event().wait()

if __name__ == "__main__":
    with interruptible():
        launch(TrainOptions(config=MobileVMoEConfig(), accelerator="cpu", devices=2), stuck)
"""


@pytest.fixture
def several(tmp_path: Path):
    """A process that trains on two more, and the pipe that these two hold."""
    (tmp_path / "stuck.py").write_text(STUCK)
    os.mkfifo(tmp_path / "pipe")
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Begun by a shell in the background, it would not hear Ctrl-C: neither would those it starts.
    command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-m", "stuck"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "pipe")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    said = b""
    while said != b"xx":
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)  # Before the first of them has opened it, there is nothing to wait for.
        with contextlib.suppress(BlockingIOError):
            said += os.read(pipe, 2)
    yield process, pipe
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    os.close(pipe)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(several, number) -> None:
    process, pipe = several
    process.send_signal(number)
    process.wait(timeout=60)
    # Both ends of the pipe that they hold are closed.
    assert select.select([pipe], [], [], 60)[0] == [pipe]
    assert os.read(pipe, 1) == b""


LOADS = """
import sys
import numpy as np
from torch.utils.data import Dataset
from mvmoe_deploy.models import preset
from mvmoe_deploy.training import load_data
from mvmoe_deploy.training.batches import Batches

class Stuck(Dataset):
    def __getitems__(self, indices):
        open(sys.argv[1]).read()

batches = Batches(load_data("digits", preset("digits")), 64, seed=0, workers=1)
next(batches._load(Stuck(), [np.arange(1)]))
"""


def test_a_loading_process_that_waits_for_a_file_ends_with_the_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    process = subprocess.Popen(
        [sys.executable, "-c", LOADS, str(tmp_path / "file")], start_new_session=True
    )
    try:
        pipe = os.open(tmp_path / "file", os.O_WRONLY)  # Waits until it is read.
        process.kill()
        process.wait(timeout=60)
        poll = select.poll()
        poll.register(pipe, 0)
        assert poll.poll(60_000) == [(pipe, select.POLLERR)], "it is still read"
        os.close(pipe)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_more_processes_than_images_are_refused_before_one_is_started(
    tiny_options, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(pipeline, "launch", lambda *_: pytest.fail("processes were started"))
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        train(tiny_options(devices=1000, accelerator="cpu"), tmp_path / "run")
