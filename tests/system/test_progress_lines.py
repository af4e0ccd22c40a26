"""Lines of progress: one when a phase begins, one each minute, one at its end."""

import io
import sys
import threading

import pytest

from mvmoe_deploy.system.progress_lines import ProgressLines, duration, write_line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.9, "1 min 00 s"), (125, "2 min 05 s"), (7800, "2 h 10 min")],
)
def test_times_are_for_people(seconds, said):
    assert duration(seconds) == said


def test_a_phase_has_a_line_at_its_beginning_and_its_end():
    said = []
    with ProgressLines(said.append) as lines:
        lines.advance("export onnx", None, 2)
        lines.advance("export onnx", "stem", 2)
        lines.advance("verify", None, 1)
        lines.advance("export onnx", "expert", 2)
        lines.advance("verify", "images", 1)
    assert [line.rpartition(", ")[0] or line for line in said] == [
        "export onnx: 0 of 2",
        "verify",
        "export onnx: 2 of 2",
        "verify: done",
    ]


def test_a_phase_that_begins_again_starts_from_nothing():
    said = []
    with ProgressLines(said.append) as lines:
        for _ in range(2):
            lines.advance("export onnx", None, 4)
            lines.advance("export onnx", "stem", 4)
    assert said == ["export onnx: 0 of 4"] * 2


def test_a_phase_that_does_nothing_for_long_still_says_so():
    said, heard = [], threading.Event()

    def write(line):
        said.append(line)
        if len(said) == 4:
            heard.set()

    with ProgressLines(write, interval=0.01) as lines:
        lines.advance("export coreml", None, 4)
        lines.advance("export coreml", "stem", 4)
        assert heard.wait(30)
    assert said[1].startswith("export coreml: 1 of 4, stem, 0 s, about ")


def test_a_line_is_written_in_any_encoding(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="latin-1"))
    write_line("pack \u0436\udcff\n: 1 of 2")
    assert raw.getvalue() == b"pack \\u0436\\udcff : 1 of 2\n"


@pytest.mark.parametrize("stream", [None, io.TextIOWrapper(io.BytesIO())])
def test_a_stderr_that_is_closed_stops_nothing(monkeypatch, stream):
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    write_line("pack: 1 of 2")
