"""Commands whose streams are closed, whose readers are gone, and whose paths are in any script."""

import os
import subprocess
import sys

import pytest

PARTS = [sys.executable, "-m", "mvmoe_deploy", "parts", "rules"]


def sh(redirection, command, **options):
    """Run a command as a shell does with a redirection."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command],
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )


@pytest.mark.parametrize("words", [[], ["--json"]])
@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stdout_is_no_fault(redirection, words):
    done = sh(redirection, [*PARTS, *words])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_with_closed_streams_the_exit_code_of_a_refusal_stays():
    assert sh(">&- 2>&-", [*PARTS, "--json", "--nonsense"]).returncode == 2


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_reader_that_is_gone_ends_a_command_as_a_shell_expects(words):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PARTS, *words], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=120
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_paths_in_any_script_are_printed_in_any_encoding(tmp_path, encoding):
    environment = os.environ | {
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": encoding,
    }  # fmt: skip
    missing = tmp_path / "\u043c\u043e\u0434\u0435\u043b\u044c\udcff"
    inspect = [sys.executable, "-m", "mvmoe_deploy", "inspect", missing]
    done = subprocess.run(inspect, env=environment, capture_output=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: bundle ")
