"""The demo's logic in the app's place: whole runs by a devicectl that this machine has."""

import json
import os
import shlex
import threading
import time

import demo_bench
import fake_devicectl
import pytest
from phone_runs import KINDS, LATENCY, asking, of_kind

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.jobs.start import Start
from mvmoe_bench.measure.phones import app_following
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.results import read
from mvmoe_deploy.errors import EngineError

pytestmark = pytest.mark.skipif(
    bool(demo_bench.LACKS), reason=f"this machine lacks {demo_bench.LACKS}"
)


@pytest.fixture(scope="session")
def app():
    demo_bench.build()
    return f'exec {shlex.join(demo_bench.command())} "$@"'


@pytest.fixture
def phone(phone, app):
    phone.install_app(app)
    return phone


@pytest.fixture
def ask(tiny, tmp_path):
    return asking("ios", tiny, tmp_path)


def test_a_whole_run_gives_every_kind_of_line_and_a_report(ask, phone, mvmoe, tmp_path):
    result = ask(compare=("bare",))

    assert of_kind(result.lines, r.Failure) == []
    assert {type(line) for line in result.lines} >= KINDS | {PlacementLine}
    assert {line.subject for line in of_kind(result.lines, Sample)} == {
        subject.key for subject in result.run.subjects
    }
    assert all(line.is_plausible() for line in result.lines)
    assert all(line.process_ns > 0 for line in of_kind(result.lines, Start))
    assert result.run.identity["swift"].startswith("Swift 6")
    (conditions,) = {line.conditions for line in of_kind(result.lines, r.Done)}
    assert conditions == r.Conditions(thermal_status="none", battery_level=80, low_power=False)
    code, _, said = mvmoe("report", tmp_path / "results.jsonl", "-o", tmp_path / "report.html")
    assert code == 0, said
    page = (tmp_path / "report.html").read_text()
    assert "iPhone 16 iPhone17,3" in page and "iOS 18.5" in page
    assert 'id="sustained"' in page
    # Nothing but what was brought and answered, in the places that docs/ios.md names.
    assert sorted(path.name for path in (phone.container / "Documents").iterdir()) == [
        "bench", "bench-files",
    ]  # fmt: skip


def _when(phone, job, act):
    """Progress that lets something happen when the order after a job is at work."""

    def at_work(before):
        orders = set(phone.container.glob("Documents/bench/order-*/status")) - before
        return any(status.read_bytes() == b"\1" for status in orders)

    def wait_and_act(before):
        deadline = time.monotonic() + 60
        while not at_work(before) and time.monotonic() < deadline:
            time.sleep(0.02)
        act()

    def progress(phase, done, total):
        if done == job:
            # Orders that have ended stay for a day.
            before = set(phone.container.glob("Documents/bench/order-*/status"))
            threading.Thread(target=wait_and_act, args=(before,)).start()

    return progress


def test_a_run_goes_on_after_the_phone_was_pulled_out(ask, phone, tmp_path):
    with pytest.raises(EngineError) as caught:
        ask(
            _when(phone, "placement", lambda: phone.write("refuse", "copy from: lost")),
            preset=LATENCY,
        )
    assert caught.value.code == "device.lost"
    kept = read(tmp_path / "results.jsonl")[-1].lines
    assert of_kind(kept, Answer)
    phone.write("refuse", "")

    result = ask(preset=LATENCY, resume=True)

    assert len(of_kind(result.lines, r.Resumed)) == 1
    done = [line.job for line in of_kind(result.lines, r.Done)]
    assert len(done) == len(set(done)) and done[-1] == "run"
    assert {line.repeat for line in of_kind(result.lines, Sample)} == {0, 1}


def test_an_app_that_is_killed_is_a_failure_with_its_code(ask, phone, monkeypatch):
    monkeypatch.setattr(app_following, "SILENT_FOR", 20.0)

    result = ask(
        _when(phone, "placement", lambda: fake_devicectl._kill(phone.folder)), preset=LATENCY
    )

    (failure,) = of_kind(result.lines, r.Failure)
    assert failure.code == "device.app-ended"
    assert failure.subject == result.run.subjects[0].key
    assert isinstance(result.lines[-1], r.Done) and result.lines[-1].job == "run"


def test_what_the_app_has_removed_is_brought_again(ask, phone):
    """The app remembers when it saw a file last; a day later it is gone."""
    ask(preset=LATENCY)
    files = phone.container / "Documents/bench-files"
    first = {path.name for path in files.glob("*-bundle-*")}
    memory = phone.container / "Documents/bench/.last-used.json"
    # Of Apple's time, which begins with 2001: long ago.
    memory.write_text(json.dumps(dict.fromkeys(json.loads(memory.read_text()), 0)))

    result = ask(preset=LATENCY, replace=True)

    assert of_kind(result.lines, r.Failure) == []
    second = {path.name for path in files.glob("*-bundle-*")}
    assert len(second) == 1 and second.isdisjoint(first)
    answers = [path for path in memory.parent.iterdir() if path.name.startswith("order-")]
    assert len(answers) < len([told for told in phone.told() if "--order" in told])


def test_the_command_tells_an_error_with_its_code(phone, mvmoe, tiny, tmp_path):
    phone.write("apps", "")
    code, out, _ = mvmoe(
        "bench", tiny / "tiny.mvmoe", "--device", "ios", "-o", tmp_path / "r.jsonl", "--json"
    )
    assert code == 3 and '"device.app-missing"' in out
    assert not os.path.lexists(tmp_path / "r.jsonl")
