"""The device of this machine: what counts as a start."""

import subprocess
import time

from mvmoe_bench import records as r
from mvmoe_bench.devices import host

SECONDS = 0.5


def test_what_the_system_needs_to_start_a_process_is_a_part_of_its_start(ask, monkeypatch):
    """A start that takes half a second longer is told as half a second longer."""
    preset = r.Preset(
        name="starts", repeats=0, queries=1, seconds=0.0, most_seconds=1.0, warmup=0, starts=1,
        stream=0, cooldown=0.0,
    )  # fmt: skip
    start = subprocess.Popen

    def slow(*arguments, **options):
        time.sleep(SECONDS)
        return start(*arguments, **options)

    monkeypatch.setattr(host.subprocess, "Popen", slow)
    (line,) = [line for line in ask(preset=preset).lines if isinstance(line, r.Start)]
    assert line.process_ns >= SECONDS * 1e9
