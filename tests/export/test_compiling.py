"""Compilers in another process: whatever happens to them is one sentence, and their figures."""

import json
from collections import Counter

import msgspec
import pytest
import torch

from mvmoe_deploy import errors
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_export import compiler, compiling
from mvmoe_export.compiling import FamilyJob, GraphJob, Job
from mvmoe_export.stages import make_stages

COMPILERS = """
import os
import resource
import signal
import sys

from mvmoe_deploy import errors


def raises(order):
    raise getattr(errors, order.job.options["kind"])("what was wrong; do this")


def fails(order):
    raise KeyError("first line\\nsecond line")


def silent(order):
    raise AssertionError


def lacks(order):
    import a_package_that_nobody_has


def refused(order):
    open("/nowhere/at/all")


def talks(order):
    print("x" * 100)
    for _ in range(2000):
        sys.stderr.write("noise " * 200 + "\\n")
    os.write(1, b"done nothing\\n")
    for graph in ("a", "b"):
        order.report(graph)
    return {"answer": 42}


def dies(order):
    sys.stderr.write("noise\\nthe last word\\n")
    sys.stderr.flush()
    os._exit(7)


def killed(order):
    os.kill(os.getpid(), signal.SIGKILL)


def hungry(order):
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))
    return bytearray(1 << 40)


def full(order):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    return "x" * 100_000
"""

KINDS = [name for name in vars(errors) if name.endswith("Error")]
ENDINGS = ("talks", "dies", "killed", "hungry", "full")


@pytest.fixture(scope="module")
def compilers(tmp_path_factory):
    """Starts compilers whose code is above."""
    folder = tmp_path_factory.mktemp("compilers")
    (folder / "compilers.py").write_text(COMPILERS)

    def start(name, options, progress=lambda graph: None):
        place = tmp_path_factory.mktemp(name)
        job = Job(compiler=f"compilers:{name}", extra="coreml", families=(), options=options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(folder))
            return compiling.start(job, place, progress)

    return start


@pytest.fixture(scope="module")
def ended(compilers):
    """Every compiler, all at work at once, with what they said was done."""
    done = []
    return {name: (compilers(name, {}, done.append), done) for name in ENDINGS}


DEATHS = {
    "dies": "ended with code 7: the last word; check memory and space",
    "killed": "ended with code -9",
    "hungry": "MemoryError",
    "full": "ended with code 1: .*too large",
}


@pytest.mark.parametrize("name", DEATHS)
def test_however_a_compiler_ends_it_is_one_sentence(ended, name):
    with pytest.raises(EngineError, match=DEATHS[name]) as raised:
        ended[name][0].wait()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


ERRORS = {
    "raises": ("CheckFailedError", "what was wrong; do this"),
    "fails": ("EngineError", "KeyError: 'first line"),
    "silent": ("EngineError", "AssertionError"),
    "lacks": ("MissingExtraError", "run: pip install 'mvmoe-deploy[coreml]'"),
    "refused": ("MvmoeError", "No such file or directory"),
    "missing": ("EngineError", "no attribute 'missing'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_whatever_a_compiler_raises_is_one_sentence(tmp_path, monkeypatch, name):
    (tmp_path / "raising_compilers.py").write_text(COMPILERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(compiler.os, "dup2", lambda *descriptors: None)
    options = {"kind": "CheckFailedError"}
    job = Job(compiler=f"raising_compilers:{name}", extra="coreml", families=(), options=options)
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    compiler.main(tmp_path)
    given = json.loads((tmp_path / "result.json").read_text())
    kind, words = ERRORS[name]
    assert given["error"] == kind
    assert words in given["message"]
    assert "\n" not in given["message"]


def test_noise_on_both_streams_is_kept_out_of_the_way(ended):
    compilation, done = ended["talks"]
    assert compilation.wait() == {"answer": 42}
    assert done == ["a", "b"]
    assert compilation.ready()
    compilation.cancel()


def test_the_current_directory_is_not_searched_for_modules(compilers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    assert compilers("talks", {}).wait() == {"answer": 42}


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_this_product_crosses_the_border_as_itself(tmp_path, kind):
    class Ended(compiling.Compilation):
        def __post_init__(self):
            """No process."""

        def _close(self):
            """No pipes."""

    compiling.answer(tmp_path, error=getattr(errors, kind)("a sentence"))
    process = type("Process", (), {"wait": lambda self: 0})()
    with pytest.raises(MvmoeError) as raised:
        Ended(tmp_path, process, print).wait()
    assert type(raised.value).__name__ == kind
    assert str(raised.value) == "a sentence"
    assert raised.value.exit_code == getattr(errors, kind).exit_code


def test_an_error_of_another_package_becomes_one_of_an_engine(tmp_path):
    class TheirError(MvmoeError):
        """Not among ours."""

    compiling.answer(tmp_path, error=TheirError("a sentence"))
    given = json.loads((tmp_path / "result.json").read_text())
    assert getattr(errors, given["error"], EngineError) is EngineError


def test_an_error_of_the_one_who_watches_stops_the_compiler(compilers):
    def watch(graph):
        raise KeyboardInterrupt

    compilation = compilers("talks", {}, watch)
    with pytest.raises(KeyboardInterrupt):
        compilation.wait()
    assert compilation.process.stdout.closed


def test_a_refused_write_is_an_error_of_the_system(tmp_path, zoo, monkeypatch):
    stages = make_stages(zoo.enliven(zoo.Foreign(experts=2)), "dispatch", 1)

    def refuse(error):
        def write(*arguments):
            raise error

        return write

    monkeypatch.setattr(
        compiling, "save_file", refuse(compiling.SafetensorError("I/O error: too large"))
    )
    with pytest.raises(OSError, match="too large") as raised:
        compiling.prepare(stages, (), tmp_path / "a")
    assert raised.value.errno == compiling.errno.ENOSPC


SHARED, MINE, YOURS, SCALAR = (
    "aa-torch.float32-4x8", "bb-torch.float32-2x2", "cc-torch.float16-6", "dd-torch.int64-",
)  # fmt: skip


def family(*graphs, **rewritten):
    return FamilyJob(
        program="p", probed=True, inputs=(), outputs=(), graphs=graphs, rewritten=rewritten
    )


def graph(name, *keys):
    slots = {f"slot{index}": key for index, key in enumerate(keys)}
    return GraphJob(name=name, stage=1, route=(0,), slots=slots)


def test_each_content_that_a_graph_reads_counts_once():
    job = Job(
        compiler="",
        extra="",
        families=(
            family(graph("a", SHARED, SHARED, MINE)),
            family(graph("b", SHARED, YOURS, SCALAR)),
        ),
        options={},
    )
    assert compiling.tensors_read(job) == {
        "a": {SHARED: 128, MINE: 16},
        "b": {SHARED: 128, YOURS: 12, SCALAR: 8},
    }
    one, two = compiling.graph_records(job, "t/model", lambda name: ())
    assert (one.name, one.weight_bytes, one.exclusive_bytes) == ("a", 144, 16)
    assert (two.name, two.weight_bytes, two.exclusive_bytes) == ("b", 148, 20)
    assert (one.file, one.entry) == ("t/model", "a")


def test_the_rewrites_told_are_those_that_changed_something():
    families = [family(views=0, slices=2), family(views=1, rank=0)]
    told = compiling.applied_rewrites(("rank", "views", "slices", "views"), iter(families))
    assert told == ("views", "slices")
    assert compiling.applied_rewrites((), families) == ()


def test_made_up_weights_are_unlike_each_other_also_in_half_precision(zoo, tmp_path):
    stages = make_stages(zoo.enliven(zoo.Foreign(experts=2)), "dispatch", 1)
    jobs = compiling.prepare(stages, ("views",), tmp_path / "job")
    probed = [job for job in jobs if job.probed]
    assert [len(job.graphs) for job in jobs] == [1, 2]
    program = torch.export.load(tmp_path / "job" / probed[0].program)
    firsts = Counter(tensor.half().flatten()[0].item() for tensor in program.state_dict.values())
    assert max(firsts.values()) == 1
