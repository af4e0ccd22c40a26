"""What every command line does alike: signals, temporary files, exit codes."""

import json
import os
import signal
import subprocess
import sys

import pytest

SIGNALLED = """
import os, sys, tempfile
import click
from mvmoe_deploy.cli.process import run_command

@click.command()
@click.argument("number", type=int)
def command(number):
    tempfile.mkdtemp()
    os.kill(os.getpid(), number)
    raise AssertionError

run_command(command, "test", sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_command_says_so_and_leaves_nothing(tmp_path, number):
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(int(number))],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stderr.strip()
    assert (done.returncode, said) == (
        128 + number,
        "error: interrupted; no partial output was written",
    )
    assert list(tmp_path.iterdir()) == []


FAULTY = """
import sys
import click
from mvmoe_deploy.cli.process import run_command

@click.command()
def command():
    raise StopIteration

run_command(command, "test", sys.argv[1:])
"""


@pytest.mark.parametrize("words", [[], ["--debug"]])
def test_any_command_shows_its_fault_if_it_is_asked_to(words):
    done = subprocess.run(
        [sys.executable, "-c", FAULTY, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 70
    assert ("Traceback" in done.stderr) == bool(words)
    assert done.stderr.splitlines()[-1].startswith("error: test itself failed (StopIteration")


KEEPS = """
import os, sys
import click
from mvmoe_deploy.cli.kept_work import says_what_is_kept
from mvmoe_deploy.cli.process import run_command

@click.command()
@click.argument("number", type=int)
@click.option("--json", is_flag=True)
def command(number, json):
    kept = "all is kept; go on with --resume"
    with says_what_is_kept(lambda: kept), says_what_is_kept(lambda: None):
        os.kill(os.getpid(), number)
        raise AssertionError

run_command(command, "test", sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_what_is_kept_and_how_to_go_on(number):
    done = subprocess.run(
        [sys.executable, "-c", KEEPS, str(int(number)), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 128 + number
    said = "interrupted; all is kept; go on with --resume"
    assert done.stderr.strip() == f"error: {said}"
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["message"]) == ("process.interrupted", said)
