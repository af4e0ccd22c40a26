"""Bars only where somebody can see them."""

import io
import re
import sys
import time

import pytest

from mvmoe_deploy.system import progress_lines
from mvmoe_deploy.training import RichProgress, terminal_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_sees_a_line_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with terminal_progress() as progress:
        progress.images(300)
        progress.checked(100)
        progress.checked(200)
        progress.phase("dense", 3, 1)
        for epoch in (2, 3):
            progress.step(0.5)
            progress.step(0.5)
            progress.epoch({"epoch": epoch, "held_out_accuracy": 0.875})
        progress.phase("super-class", 5, 0)
        progress.phase("end-to-end", 5, 0)
    assert re.sub(r"\d+ s$", "N s", log.getvalue(), flags=re.MULTILINE).splitlines() == [
        "images, are they readable?: 0 of 300",
        "images, are they readable?: 300 of 300, N s",
        "dense: epoch 1 of 3",
        "dense: epoch 3 of 3, held-out 87.50 %, N s",
        "super-class: epoch 0 of 5",
        "super-class: epoch 0 of 5, N s",  # It has ended early: another begins.
        "end-to-end: epoch 0 of 5",
    ]


def test_a_pipe_sees_a_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(progress_lines, "INTERVAL_SECONDS", 0.01)
    with terminal_progress() as progress:
        progress.phase("dense", 4, 0)
        progress.step(0.5)
        progress.epoch({"epoch": 1, "held_out_accuracy": 0.5})
        while "left" not in log.getvalue():
            time.sleep(0.01)
    assert "dense: epoch 1 of 4, held-out 50.00 %, 0 s, about 0 s left" in log.getvalue()


def test_a_terminal_sees_a_bar_on_stderr(monkeypatch, capsys) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with terminal_progress() as progress:
        assert isinstance(progress, RichProgress)
        progress.phase("dense", 2, 0)
        progress.step(0.5)
        progress.epoch({"epoch": 1, "held_out_accuracy": 0.875})
    shown = terminal.getvalue()
    assert "dense" in shown
    assert "1/2" in shown
    assert "87.50 %" in shown
    assert capsys.readouterr().out == ""
