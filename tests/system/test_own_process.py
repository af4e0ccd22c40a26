"""A process that may end, hang or answer what cannot be read, and what is said and left of it."""

import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from mvmoe_deploy.system import own_process
from mvmoe_deploy.system.own_process import OwnProcess, ProcessEndedError, ProcessTimeoutError

WORK = """
import ctypes, os, signal, sys, time

def serve(line):
    while (message := line.receive()) is not None:
        word = message.decode()
        if word.startswith("signal "):
            os.kill(os.getpid(), int(word.split()[1]))
        elif word == "exit":
            print("the last\\nword \\x1b[2J", flush=True)
            os._exit(7)
        elif word == "lock":  # Python's own lock is held, as some engines do.
            ctypes.PyDLL(None).sleep(1000)
        elif word == "close":  # The line alone; the process goes on.
            os.close(line._line.fileno())
            ctypes.PyDLL(None).sleep(1000)
        elif word == "much":
            line.send(bytes(10_000))
        elif word == "stdout":
            print("an engine's chatter", flush=True)
        elif word == "path":
            line.send(repr(sys.path).encode())
        else:
            line.send(message + message)
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "hostilework.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    started = []

    def start():
        started.append(OwnProcess("hostilework:serve"))
        return started[-1]

    yield start
    for process in started:
        process.end()


def gone(pid):
    """Whether a process ends soon: it may still be on its way."""
    try:
        psutil.Process(pid).wait(30)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_messages_pass_whatever_their_size(start):
    process = start()
    for size in (0, 1, 3_000_000):
        process.send(bytes(size), 60)
        assert process.receive(2 * size, 60) == bytes(2 * size)
    process.end()
    assert not process.alive and gone(process._process.pid)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_an_end_by_a_signal_is_told(start, number):
    process = start()
    process.send(f"signal {int(number)}".encode(), 60)
    with pytest.raises(ProcessEndedError, match=f"^by {number.name}$"):
        process.receive(100, 60)
    assert not process.alive


def test_an_exit_is_told_with_the_last_word_in_plain_text(start, capfd):
    process = start()
    process.send(b"exit", 60)
    with pytest.raises(ProcessEndedError) as caught:
        process.receive(100, 60)
    assert str(caught.value) == "with exit code 7: word \\x1b[2J"
    assert capfd.readouterr() == ("", "")


def test_a_word_from_before_the_message_is_not_blamed(start):
    process = start()
    process.send(b"stdout", 60)
    process.send(b"a", 60)
    process.receive(2, 60)
    process.send(b"signal 11", 60)
    with pytest.raises(ProcessEndedError, match=r"^by SIGSEGV$"):
        process.receive(100, 60)


def test_one_that_does_not_come_back_is_stopped(start):
    process = start()
    process.send(b"lock", 60)
    with pytest.raises(ProcessTimeoutError):
        process.receive(100, 0.2)
    assert not process.alive and gone(process._process.pid)


def test_an_answer_larger_than_allowed_is_not_read(start):
    process = start()
    process.send(b"much", 60)
    with pytest.raises(ProcessEndedError, match="10000 bytes where 100 make sense"):
        process.receive(100, 60)
    assert not process.alive


def test_one_that_closes_its_line_and_stays_is_stopped(start, monkeypatch):
    monkeypatch.setattr(own_process, "_CLEANUP_SECONDS", 0.2)
    process = start()
    process.send(b"close", 60)
    with pytest.raises(ProcessEndedError, match=r"^by closing its channel without an end$"):
        process.receive(100, 60)
    assert not process.alive and gone(process._process.pid)


def test_an_interrupt_ends_it(start):
    process = start()
    process.send(b"lock", 60)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            process.receive(100, 60)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert not process.alive and gone(process._process.pid)


def test_the_current_directory_is_not_searched_for_modules(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    process = start()
    process.send(b"path", 60)
    assert repr(str(tmp_path)).encode() not in process.receive(100_000, 60)


@pytest.mark.parametrize("word", ["lock", "idle"])
def test_it_ends_with_its_parent_even_if_that_is_killed(start, tmp_path, word):
    code = f"""
        import os, signal, sys, time
        sys.path.insert(0, {str(tmp_path / "site")!r})
        from mvmoe_deploy.system.own_process import OwnProcess
        process = OwnProcess("hostilework:serve")
        process.send(b"x", 60)
        process.receive(2, 60)
        if {word!r} == "lock":
            process.send(b"lock", 60)
            time.sleep(0.2)
        print(process._process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    assert gone(int(ended.stdout))
