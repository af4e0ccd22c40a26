"""Raises an exception at each line of some work in turn, as a signal handler may."""

import itertools
import sys
import threading
from pathlib import Path

import mvmoe_deploy

OURS = str(Path(mvmoe_deploy.__file__).parent)
"""Python's own locks nobody can protect, and an engine's Python code has none."""


class Interruption(BaseException):
    """What a signal handler raises."""


def interrupted(line, work, within=OURS):
    """Run `work`, raising Interruption at its `line`-th line; gives whether it came to that."""
    left, raised = line, False

    def trace(frame, event, argument):
        nonlocal left, raised
        if not frame.f_code.co_filename.startswith(within):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                raised = True
                raise Interruption(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Interruption:
        pass
    finally:
        sys.settrace(before)
    return raised


def in_time(work, seconds=30):
    """What `work` gives in a thread of its own; that it does not end is a failure."""
    result = []

    def run():
        try:
            result.append((work(), None))
        except BaseException as error:
            result.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert result, "it hangs"
    value, error = result[0]
    if error is not None:
        raise error
    return value


def every_line(work, check, least, within=OURS):
    """Interrupt `work` at each of its lines in turn, of which there are at least so many."""
    for line in itertools.count():
        if not interrupted(line, work, within):
            break
        check()
    assert line > least
