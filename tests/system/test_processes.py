"""Signals that end a process like Ctrl-C, and processes that end with the one that started them."""

import os
import select
import signal
import subprocess
import sys

import pytest

from mvmoe_deploy.system.processes import (
    SignalInterrupt,
    interruptible,
    interruption_code,
    interruption_in,
)

WORKS = """
import signal, sys, time
from mvmoe_deploy.system.processes import interruptible
try:
    with interruptible():
        try:
            print("at work", flush=True)
            print("told", sys.stdin.readline().strip(), flush=True)
        finally:
            print("cleaning up", flush=True)
            # Ends when its input does: what arrives meanwhile must not cut it short.
            sys.stdin.read()
            print("clean", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""
POLITE = (signal.SIGTERM, signal.SIGHUP)


def ignoring(numbers, command):
    """The command of a process that begins with ignored signals, as `nohup` lets it."""
    names = " ".join(signal.Signals(number).name.removeprefix("SIG") for number in numbers)
    return ["sh", "-c", f"trap '' {names}; exec \"$@\"" if names else 'exec "$@"', "sh", *command]


def start(code, ignored=()):
    return subprocess.Popen(
        ignoring(ignored, [sys.executable, "-c", code]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", POLITE)
def test_a_signal_interrupts_and_others_do_not_disturb_the_clean_up(number):
    process = start(WORKS)
    assert process.stdout.readline() == "at work\n"
    process.send_signal(number)
    assert process.stdout.readline() == "cleaning up\n"
    for again in POLITE:
        process.send_signal(again)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "clean\n", "")


@pytest.mark.parametrize("number", [*POLITE, signal.SIGINT])
def test_a_signal_that_was_ignored_before_goes_on_being_ignored(number):
    process = start(WORKS, ignored=[number])
    assert process.stdout.readline() == "at work\n"
    process.send_signal(number)
    out, err = process.communicate("go on\n", timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == ["told go on", "cleaning up", "clean"]


def test_handlers_of_others_stay_and_ours_go():
    def handler(*_):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGTERM) is handler
            assert callable(signal.getsignal(signal.SIGHUP))
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_of_the_clean_up_is_a_part_of_the_interruption():
    try:
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError
    except OSError as error:
        assert isinstance(interruption_in(error), KeyboardInterrupt)
    assert interruption_in(OSError()) is None and interruption_in(None) is None


def test_the_exit_code_is_of_the_signal_that_is_behind_an_interruption():
    try:
        try:
            raise SignalInterrupt(signal.SIGTERM)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None
    except KeyboardInterrupt as error:
        assert interruption_code(error) == 143
    assert interruption_code(KeyboardInterrupt()) == 130


HOLDS_A_PIPE = """
import os, sys
from mvmoe_deploy.system.processes import end_when_closed
end_when_closed(0)
print("at work", flush=True)
import threading
threading.Event().wait()
"""

STARTS_ONE = """
import multiprocessing, os, sys, threading
from mvmoe_deploy.system.processes import end_with_parent

def work(said):
    end_with_parent()
    os.write(said, b"at work")
    threading.Event().wait()

if __name__ == "__main__":
    said = int(sys.argv[1])
    process = multiprocessing.get_context("fork").Process(target=work, args=(said,))
    process.start()
    os.close(said)
    process.join()
"""


def test_a_process_ends_when_its_pipe_is_closed():
    process = start(HOLDS_A_PIPE)
    assert process.stdout.readline() == "at work\n"
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=60) == 1
    process.stdout.close()
    process.stderr.close()


def test_a_child_ends_with_its_killed_parent_even_if_it_ignores_interruptions():
    listening, said = os.pipe()
    command = ignoring([signal.SIGINT], [sys.executable, "-c", STARTS_ONE, str(said)])
    parent = subprocess.Popen(command, pass_fds=[said])
    os.close(said)
    assert os.read(listening, 7) == b"at work"
    parent.kill()
    parent.wait(timeout=60)
    # The child holds the last other end of the pipe.
    assert select.select([listening], [], [], 60)[0] == [listening]
    assert os.read(listening, 1) == b""
    os.close(listening)
