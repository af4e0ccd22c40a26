"""Memory of this process: what is taken is seen, and so is what is given back."""

import sys

import numpy as np
import pytest

from mvmoe_bench import memory

TAKEN = 64 * 2**20


def test_memory_that_is_taken_is_seen():
    before = memory.resident_bytes()
    held = np.ones(TAKEN, np.uint8)
    during = memory.resident_bytes()
    peak = memory.peak_rss_bytes()
    del held
    # A few megabytes may come and go beside it.
    assert during - before == pytest.approx(TAKEN, rel=0.1)
    assert memory.resident_bytes() < during - TAKEN / 2
    assert peak is None or peak >= TAKEN


@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's")
def test_on_linux_it_is_the_proportional_share():
    assert memory.SOURCE == "PSS"
