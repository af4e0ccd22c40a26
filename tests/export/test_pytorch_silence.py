"""What PyTorch says of itself is kept back in the thread that exports, and in no other."""

import logging
import sys
import threading
import warnings

import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_export import programs
from mvmoe_export.pytorch_silence import exporting, silenced

TORCH = "torch.export"
OURS = "application"


def say(who):
    """Everything that one can say."""
    logging.getLogger(TORCH).warning("%s logs as PyTorch", who)
    logging.getLogger(OURS).warning("%s logs", who)
    warnings.warn(f"{who} warns", UserWarning, stacklevel=1)
    torch.export._trace.print(f"{who} prints as PyTorch", file=sys.stderr)
    print(f"{who} prints", file=sys.stderr)


class Talking(nn.Module):
    """Another thread speaks while this is captured; it cannot be: it branches on data."""

    def __init__(self, speak):
        super().__init__()
        self.speak = speak

    def forward(self, x):
        self.speak()
        return x if x.sum() > 0 else -x


class _Records(logging.Handler):
    def __init__(self):
        super().__init__(level=0)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


@pytest.fixture
def heard():
    """What is logged and warned of, by whichever thread, from now on."""
    records = _Records()
    loggers = [logging.getLogger(TORCH), logging.getLogger(OURS)]
    for logger in loggers:
        logger.addHandler(records)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield lambda: (records.said, [str(one.message) for one in warned])
    for logger in loggers:
        logger.removeHandler(records)


def in_another_thread(act):
    """Run to its end."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_another_thread_is_heard_while_this_one_is_silent(heard, capsys):
    with silenced():
        say("one")
        in_another_thread(lambda: say("another"))
    logged, warned = heard()
    assert logged == ["one logs", "another logs as PyTorch", "another logs"]
    assert warned == ["another warns"]
    err = capsys.readouterr().err
    assert "one prints\nanother prints as PyTorch\nanother prints\n" in err
    assert "one prints as PyTorch" not in err


def test_a_failed_capture_says_one_sentence_and_another_thread_is_heard(heard, capsys):
    once = []

    def speak():
        if not once:
            once.append(True)
            in_another_thread(lambda: say("another"))

    with raises(InputError, "export.graph-refused", graph="this"):
        programs.capture_stage("this", Talking(speak), {"x": torch.ones(1, 4)})
    logged, warned = heard()
    assert [line for line in logged if "another" in line] == logged
    assert len(logged) == 2
    assert warned == ["another warns"]
    err = capsys.readouterr().err
    assert "def forward" not in err, "PyTorch prints the graph as far as it has come"
    assert "another prints as PyTorch" in err


def test_nothing_of_the_process_is_other_than_before(heard):
    def state():
        return (
            logging.root.manager.disable,
            logging.getLogger(TORCH).level,
            warnings.showwarning,
            sys.stderr,
            sys.stdout,
        )

    before, inside = state(), []
    programs.capture_stage("this", nn.Linear(4, 4), {"x": torch.ones(1, 4)})
    with exporting():
        inside.append(state())
    assert inside == [before]
    assert state() == before


def test_it_ends_with_its_block_also_where_that_raises(heard):
    with pytest.raises(KeyError), silenced():
        raise KeyError
    say("one")
    assert heard() == (["one logs as PyTorch", "one logs"], ["one warns"])


def test_threads_export_one_after_the_other():
    at_work, most = [], []

    def work():
        with exporting():
            at_work.append(True)
            most.append(len(at_work))
            threading.Event().wait(0.02)
            at_work.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
