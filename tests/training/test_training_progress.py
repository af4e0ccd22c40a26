"""Bars only where somebody can see them."""

import io
import sys

import pytest

from mvmoe_deploy.training import RichProgress, Silent, terminal_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(terminal_progress(), Silent)


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
