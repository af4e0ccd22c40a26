"""Memory of this process: what is taken is seen, whatever other processes do."""

import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from memory_looks import CLOSE, MB, added, mapped

from mvmoe_bench.measure.machine import held_memory, smaps
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice

TAKEN = 64 * MB

linux = pytest.mark.skipif(sys.platform != "linux", reason="smaps is Linux's")


def test_memory_that_is_taken_is_seen_and_so_is_what_is_given_back(tmp_path):
    files = smaps.OwnFiles(tmp_path)
    before = held_memory.held(files).total
    held = np.ones(TAKEN, np.uint8)
    during = held_memory.held(files).total
    peak = held_memory.peak_rss_bytes()
    del held
    # A few megabytes may come and go beside it.
    assert during - before == pytest.approx(TAKEN, rel=0.1)
    assert held_memory.held(files).total < during - TAKEN / 2
    assert peak is None or peak >= TAKEN


@linux
def test_mapped_files_private_pages_and_shared_memory_are_told_apart():
    """In a process of its own, whose heap nothing else makes grow."""
    alone = Path(__file__).with_name("held_memory_alone.py")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(alone)], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@linux
@pytest.mark.parametrize("change", ["replaced", "removed", "directory renamed", "link moved"])
def test_its_files_are_known_whatever_became_of_their_path(tmp_path, change):
    folder, link = tmp_path / "version 1", tmp_path / "bundle"
    folder.mkdir()
    weights = folder / "weights (deleted)"
    weights.write_bytes(os.urandom(8 * MB))
    link.symlink_to(folder)
    files = smaps.OwnFiles(link)
    before = held_memory.held(files)
    found = mapped(weights, access=mmap.ACCESS_READ)

    if change == "replaced":
        (tmp_path / "new").write_bytes(b"new")
        (tmp_path / "new").replace(weights)
    elif change == "removed":
        weights.unlink()
    elif change == "directory renamed":
        folder.rename(tmp_path / "elsewhere")
    else:
        (tmp_path / "version 2").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "version 2")
        (tmp_path / "link").replace(link)

    assert added(files, before)[1] == 8 * MB
    assert found[0] in range(256)


def test_swap_and_huge_pages_are_held_and_pages_that_were_given_back_are_not():
    text = b"""\
7f0000000000-7f0000400000 rw-p 00000000 00:00 0                          [heap]
Size:               4096 kB
Rss:                3000 kB
Pss:                1500 kB
Shared_Dirty:       1000 kB
Private_Clean:        10 kB
Private_Dirty:      1990 kB
Anonymous:          3000 kB
LazyFree:            400 kB
AnonHugePages:      2048 kB
Private_Hugetlb:    2048 kB
Swap:                100 kB
VmFlags: rd wr mr mw me ac
7f0000400000-7f0000800000 r--s 00010000 fe:01 1234                       /a b/we\\012ights (deleted)
Rss:                4096 kB
Anonymous:             0 kB
"""
    heap, weights = smaps.mappings(text)

    assert heap.written_bytes() == (3000 - 400 + 2048 + 100) * 1024
    assert not heap.is_shared_memory()
    assert weights.path == "/a b/we\nights (deleted)"
    assert (weights.offset, weights.inode, weights.shared) == (0x10000, 1234, True)
    assert weights.device == os.makedev(0xFE, 1)
    assert weights.written_bytes() == 0


IDLE = """
import sys
from mvmoe_deploy.runtime import Dispatcher
opened = Dispatcher.open(sys.argv[1], target="onnx")
opened.prewarm()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def measure(tiny, tmp_path, factory):
    """Measures the memory of a dispatcher over the tiny bundle, in a process of its own."""
    images = tmp_path / "images.npy"
    np.save(images, np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32))
    subject = SubjectOrder(
        key="dispatcher", kind="dispatcher", root=str(tiny / "tiny.mvmoe"), target="onnx",
        engine_modules=("onnxruntime",), requested=EngineChoice(engine="ONNX Runtime"), threads=1,
        queries=tuple(Query(image=image) for image in range(4)),
    )  # fmt: skip
    order = MeasurementOrder(
        job="memory", kind="memory", repeat=0, preset=factory.preset(), images=str(images),
        subjects=(subject,), started_ns=time.monotonic_ns(),
    )  # fmt: skip

    def run():
        done = subprocess.run(
            [sys.executable, "-m", "mvmoe_bench.measure.worker"],
            input=msgspec.json.encode(order), capture_output=True, check=True, timeout=120,
        )  # fmt: skip
        (line,) = (json.loads(text) for text in done.stdout.splitlines())
        assert line["kind"] == "memory", line
        return line

    return run


@linux
def test_idle_processes_that_map_the_same_files_change_nothing(measure, tiny):
    """PSS would: with ONNX Runtime it fell by 3 to 5 MB when four more processes mapped its
    libraries, which others did already."""
    alone = measure()
    command = [sys.executable, "-c", IDLE, str(tiny / "tiny.mvmoe")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    idle = [subprocess.Popen(command, **pipes) for _ in range(4)]
    try:
        assert all(process.stdout.readline() == b"ready\n" for process in idle)
        crowded = measure()
    finally:
        for process in idle:
            process.communicate(timeout=60)

    for moment in ("base", "loaded", "released"):
        for part in ("anonymous", "bundle_files", "total"):
            before, after = alone[moment][part], crowded[moment][part]
            # Two processes differ by up to 0.6 MB of their own; PSS would by 3 to 5 MB.
            assert after == pytest.approx(before, abs=3 * CLOSE), (moment, part)
    assert alone["loaded"]["total"] > alone["base"]["total"] > 10e6


@linux
def test_on_linux_it_is_the_processs_own():
    assert held_memory.SOURCE == "own"
    assert Path("/proc/self/pagemap").exists()
