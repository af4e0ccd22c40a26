"""Limits that an engine's error does not speak of."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
from mvmoe_deploy.system.limits import limit_met

silent = RuntimeError("Failed to load program, error: 0x:22")
assert limit_met(silent) is None
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now, resource.RLIM_INFINITY))
print(limit_met(silent).code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_AS")
def test_memory_that_ran_out_is_found_where_the_engine_does_not_say_so():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "limit.memory\n", done.stderr
