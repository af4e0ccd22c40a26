"""The Kotlin runner in the app's place: whole runs over a real adbd, and what ends them."""

import os
import threading
import time

import kotlin_runner
import pytest
from phone_runs import KINDS, LATENCY, asking, of_kind

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.phones import app_following
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.results import read
from mvmoe_deploy.errors import EngineError

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


@pytest.fixture(scope="session")
def runner():
    kotlin_runner.build()
    jars = f"{kotlin_runner.JARS}/*"
    return f"ORT_DISABLE_TELEMETRY=1 exec java -cp '{jars}' io.github.mvmoe.runner.MainKt \"$@\""


@pytest.fixture
def phone(make_phone, runner):
    made = make_phone()
    made.install(runner)
    return made


@pytest.fixture
def ask(tiny, tmp_path):
    return asking("android", tiny, tmp_path)


def test_a_whole_run_gives_every_kind_of_line_and_a_report(ask, phone, mvmoe, tmp_path):
    result = ask(compare=("bare",))

    assert of_kind(result.lines, r.Failure) == []
    assert {type(line) for line in result.lines} >= KINDS
    assert {line.subject for line in of_kind(result.lines, Sample)} == {
        subject.key for subject in result.run.subjects
    }
    assert result.run.identity["fixed_performance"] is True
    assert phone.told()[-1] == "power set-fixed-performance-mode-enabled false"
    code, _, said = mvmoe("report", tmp_path / "results.jsonl", "-o", tmp_path / "report.html")
    assert code == 0, said
    page = (tmp_path / "report.html").read_text()
    assert "QTI SM8650" in page and "Android 14 (API 34)" in page
    assert 'id="sustained"' in page


def _when(phone, job, act):
    """Progress that lets something happen when the order after a job is at work."""

    def at_work():
        statuses = phone.data.glob("files/bench/order-*/status")
        return any(status.read_bytes() == b"\1" for status in statuses)

    def wait_and_act():
        deadline = time.monotonic() + 60
        while not at_work() and time.monotonic() < deadline:
            time.sleep(0.05)
        act()

    def progress(phase, done, total):
        if done == job:
            threading.Thread(target=wait_and_act).start()

    return progress


def test_a_run_goes_on_after_the_phone_was_pulled_out(ask, phone, tmp_path):
    with pytest.raises(EngineError) as caught:
        ask(_when(phone, "placement", phone.disconnect), preset=LATENCY)
    assert caught.value.code == "device.lost"
    kept = read(tmp_path / "results.jsonl")[-1].lines
    assert of_kind(kept, Answer)
    phone.connect()

    result = ask(preset=LATENCY, resume=True)

    assert len(of_kind(result.lines, r.Resumed)) == 1
    done = [line.job for line in of_kind(result.lines, r.Done)]
    assert len(done) == len(set(done)) and done[-1] == "run"
    assert {line.repeat for line in of_kind(result.lines, Sample)} == {0, 1}
    assert result.lines[: len(of_kind(kept, Answer))][0] in kept


def test_a_runner_that_is_killed_is_a_failure_with_its_code(ask, phone, monkeypatch):
    monkeypatch.setattr(app_following, "SILENT_FOR", 20.0)

    def kill():
        phone.run("am force-stop io.github.mvmoe.demo")

    result = ask(_when(phone, "placement", kill), preset=LATENCY)

    (failure,) = of_kind(result.lines, r.Failure)
    assert failure.code == "device.app-ended"
    assert failure.subject == result.run.subjects[0].key
    assert isinstance(result.lines[-1], r.Done) and result.lines[-1].job == "run"


def test_a_storage_that_becomes_full_keeps_what_there_was_room_for(
    make_phone, runner, ask, tmp_path
):
    """The answers' lines are more than the app's folder takes."""
    mount = "mount -t tmpfs -o size=20k none {folder}/data/files/bench"
    make_phone(mount).install(runner)

    with pytest.raises(EngineError) as caught:
        ask(preset=LATENCY)

    assert caught.value.code == "device.full"
    assert of_kind(read(tmp_path / "results.jsonl")[-1].lines, Answer)


def test_the_command_tells_an_error_with_its_code(phone, mvmoe, tiny, tmp_path):
    phone.write("package", "")
    code, out, _ = mvmoe(
        "bench", tiny / "tiny.mvmoe", "--device", "android", "-o", tmp_path / "r.jsonl", "--json"
    )
    assert code == 3 and '"device.app-missing"' in out
    assert not os.path.lexists(tmp_path / "r.jsonl")
