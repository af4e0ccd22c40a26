"""Compilers in another process: whatever happens to them is one sentence, and their figures."""

import json
import re
import time
from collections import Counter

import msgspec
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy import errors
from mvmoe_deploy.error_codes import CODES
from mvmoe_deploy.errors import CheckFailedError, EngineError, MissingExtraError, MvmoeError
from mvmoe_export import ExportOptions, captured, compiler, compiling, export_bundle, programs
from mvmoe_export.captured import CapturedFamily, CapturedGraph, write_captured
from mvmoe_export.compile_job import CompileJob, CompileRequest, encoded
from mvmoe_export.stages import make_stages
from mvmoe_export.targets import find_target

COMPILERS = """
import os
import resource
import signal
import sys

import msgspec

from mvmoe_deploy import errors


class Given(msgspec.Struct):
    kind: str = ""


def raises(job):
    error = getattr(errors, job.options(Given).kind)
    raise error("what was wrong; do this", code="check.failed", graph="stem", off=[0.5, 1])


def fails(job):
    raise KeyError("first line\\nsecond line")


def silent(job):
    raise AssertionError


def lacks(job):
    import a_package_that_nobody_has


def refused(job):
    open("/nowhere/at/all")


def talks(job):
    print("x" * 100)
    for _ in range(2000):
        sys.stderr.write("noise " * 200 + "\\n")
    os.write(1, b"done nothing\\n")
    for graph in ("a", "b"):
        job.report(graph)
    return {"answer": 42}


def dies(job):
    sys.stderr.write("noise\\nthe last word\\n")
    sys.stderr.flush()
    os._exit(7)


def killed(job):
    os.kill(os.getpid(), signal.SIGKILL)


def hungry(job):
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, 1 << 20))
    return bytearray(1 << 40)


def full(job):
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    return "x" * 100_000
"""


class Given(msgspec.Struct):
    """The options of a compiler above."""

    kind: str = ""


def job_of(compiler="", families=(), rewrites=(), folder="", *, recipe="fp32", options=None):
    """What a compiler is asked to do."""
    return CompileRequest(
        compiler=compiler,
        extra="coreml",
        captured=str(folder),
        families=families,
        rewrites=rewrites,
        recipe=recipe,
        options=encoded(options or Given()),
    )


KINDS = [name for name in vars(errors) if name.endswith("Error")]
ENDINGS = ("talks", "dies", "killed", "hungry", "full")


@pytest.fixture(scope="module")
def compilers(tmp_path_factory):
    """Starts compilers whose code is above."""
    folder = tmp_path_factory.mktemp("compilers")
    (folder / "compilers.py").write_text(COMPILERS)

    def start(name, options, progress=lambda graph: None):
        place = tmp_path_factory.mktemp(name) / "job"
        job = job_of(f"compilers:{name}", options=Given(**options))
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(folder))
            return compiling.start(job, place, progress)

    return start


@pytest.fixture(scope="module")
def ended(compilers):
    """Every compiler, all at work at once, with what they said was done."""
    done = []
    return {name: (compilers(name, {}, done.append), done) for name in ENDINGS}


DEATHS = {
    "dies": ("engine.process-ended", 7, "ended with code 7: the last word; check memory and space"),
    "killed": ("engine.process-ended", -9, "ended with code -9"),
    "hungry": ("engine.failed", "MemoryError", "MemoryError"),
    "full": ("engine.process-ended", 1, "ended with code 1: .*too large"),
}


@pytest.mark.parametrize("name", DEATHS)
def test_however_a_compiler_ends_it_is_one_sentence(ended, name):
    code, found, said = DEATHS[name]
    with raises(EngineError, code, found=found) as raised:
        ended[name][0].wait()
    assert re.search(said, str(raised.value))
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
    job = job_of(f"raising_compilers:{name}", options=Given(kind="CheckFailedError"))
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    compiler.main(tmp_path)
    given = json.loads((tmp_path / "result.json").read_text())
    kind, words = ERRORS[name]
    assert given["error"] == kind
    assert words in given["message"]
    assert "\n" not in given["message"]
    assert given["code"] in CODES


def test_an_error_crosses_with_its_code_and_fields(compilers):
    with pytest.raises(CheckFailedError) as raised:
        compilers("raises", {"kind": "CheckFailedError"}).wait()
    assert str(raised.value) == "what was wrong; do this"
    assert raised.value.code == "check.failed"
    assert raised.value.fields == {"graph": "stem", "off": [0.5, 1]}


def test_what_is_missing_crosses_with_its_fields(compilers):
    with pytest.raises(MissingExtraError) as raised:
        compilers("lacks", {}).wait()
    assert raised.value.code == "extra.missing"
    assert raised.value.fields == {"what": "a_package_that_nobody_has", "extra": "coreml"}


def test_what_the_system_refuses_has_the_code_for_it(compilers):
    with pytest.raises(MvmoeError) as raised:
        compilers("refused", {}).wait()
    assert raised.value.code == "system.refused"


def test_noise_on_both_streams_is_kept_out_of_the_way(ended):
    compilation, done = ended["talks"]
    assert compilation.wait().data == {"answer": 42}
    assert done == ["a", "b"]
    assert compilation.ready()
    compilation.cancel()


def test_the_current_directory_is_not_searched_for_modules(compilers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit(9)")
    assert compilers("talks", {}).wait().data == {"answer": 42}


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_this_product_crosses_the_border_as_itself(tmp_path, kind):
    class Ended(compiling.Compilation):
        def __post_init__(self):
            """No process."""

        def _close(self):
            """No pipes."""

    error = getattr(errors, kind)("a sentence", path=tmp_path, count=3)
    compiling.write_result(tmp_path, error)
    process = type("Process", (), {"wait": lambda self: 0})()
    with pytest.raises(MvmoeError) as raised:
        Ended(tmp_path, process, print).wait()
    assert type(raised.value).__name__ == kind
    assert str(raised.value) == "a sentence"
    assert raised.value.code == error.code
    assert raised.value.fields == {"path": str(tmp_path), "count": 3}
    assert raised.value.exit_code == getattr(errors, kind).exit_code


def test_an_error_of_another_package_becomes_one_of_an_engine(tmp_path):
    class TheirError(MvmoeError):
        """Not among ours."""

    compiling.write_result(tmp_path, TheirError("a sentence"))
    given = json.loads((tmp_path / "result.json").read_text())
    assert getattr(errors, given["error"], EngineError) is EngineError
    assert "code" not in given, "so that it gets the general code of EngineError"


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
        captured, "save_file", refuse(captured.SafetensorError("I/O error: too large"))
    )
    with pytest.raises(OSError, match="too large") as raised:
        write_captured(stages, tmp_path)
    assert raised.value.errno == captured.errno.ENOSPC


SHARED, MINE, YOURS, SCALAR = (
    "aa-torch.float32-4x8", "bb-torch.float32-2x2", "cc-torch.float16-6", "dd-torch.int64-",
)  # fmt: skip


def family(*names):
    graphs = tuple(CapturedGraph(name=name, stage=1, route=(0,), weights={}) for name in names)
    return CapturedFamily(program="p", inputs=(), outputs=(), graphs=graphs)


def test_each_content_that_a_graph_reads_counts_once():
    read = {"a": (SHARED, SHARED, MINE), "b": (SHARED, YOURS, SCALAR)}
    contents = {name: {key: captured.key_bytes(key) for key in keys} for name, keys in read.items()}
    assert contents == {
        "a": {SHARED: 128, MINE: 16},
        "b": {SHARED: 128, YOURS: 12, SCALAR: 8},
    }
    job = job_of(families=(family("a"), family("b")))
    one, two = compiling.graph_records(job, contents, "t/model", lambda name: ())
    assert (one.name, one.weight_bytes, one.exclusive_bytes) == ("a", 144, 16)
    assert (two.name, two.weight_bytes, two.exclusive_bytes) == ("b", 148, 20)
    assert (one.file, one.entry) == ("t/model", "a")


def test_the_key_of_a_tensor_says_its_bytes():
    for tensor in (torch.ones(4, 8), torch.ones(6).half(), torch.tensor(3), torch.ones(0, 2)):
        assert captured.key_bytes(captured.tensor_key(tensor)) == tensor.nbytes
    assert captured.tensor_key(torch.ones(4)) != captured.tensor_key(torch.zeros(4))
    assert captured.tensor_key(torch.ones(4)) == captured.tensor_key(torch.ones(8)[::2])


@pytest.fixture(scope="module")
def worked(zoo, tmp_path_factory):
    """Makes the job of a model with rewrites, as its compiler sees it, and its stages."""

    def make(model, rewrites):
        folder = tmp_path_factory.mktemp("job")
        stages = make_stages(zoo.enliven(model), "dispatch", 1)
        families = write_captured(stages, folder)
        job = job_of("", families, rewrites, folder / captured.FOLDER)
        return stages, CompileJob(folder, job, lambda name: None)

    return make


class Turning(nn.Linear):
    """An expert whose weight is read in two parts: what is made of it is made at export."""

    def forward(self, tokens):
        left, right = self.weight.chunk(2)
        return torch.cat([tokens @ left.T, tokens @ right.T], dim=-1) + self.bias


class TwoHalves:
    """Mixed into a model: its experts are `Turning`."""

    def make_expert(self, expert):
        return Turning(16, 16)


@pytest.mark.parametrize("rewrites", [(), ("views", "slices", "projections", "rank")])
def test_the_programs_of_a_compiler_do_as_the_modules(worked, zoo, rewrites):
    model = type("Model", (TwoHalves, zoo.Foreign), {})(experts=2)
    stages, job = worked(model, rewrites)
    specs = {spec.name: spec for _, spec in stages.graphs}
    for group in job.families:
        for graph in group.graphs:
            program, weights = job.program(group), job.weights(group, graph)
            assert set(weights) == set(job.slots(group)) == set(program.state_dict)
            for slot, weight in weights.items():
                program.state_dict[slot] = nn.Parameter(weight, requires_grad=False)
            inputs = [torch.rand_like(given) for given in specs[graph.name].inputs.values()]
            with torch.no_grad():
                given = program.module(check_guards=False)(*inputs)
                wanted = specs[graph.name].build()(*inputs)
            torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-6)


def test_what_a_compiler_does_to_a_program_is_not_seen_the_next_time(worked, zoo):
    _, job = worked(zoo.Foreign(experts=2), ("views",))
    first = job.program(job.families[1])
    slot = job.slots(job.families[1])[0]
    with torch.no_grad():
        first.state_dict[slot].zero_()
    (end,) = first.graph.find_nodes(op="output")
    end.prepend(first.graph.call_function(torch.ops.aten.relu.default, (end.args[0][0],)))
    again = job.program(job.families[1])
    assert again.state_dict[slot].abs().min() > 0
    assert len(again.graph.nodes) == len(first.graph.nodes) - 1


def test_the_rewrites_told_are_those_that_changed_something(worked, zoo):
    model = type("Model", (TwoHalves, zoo.Foreign), {})(experts=2)
    _, job = worked(model, ("rank", "slices", "gelu-tanh", "slices"))
    made = job.rewritten()
    counts = [job._rewritten(group).rewritten for group in job.families]
    changed = {name for count in counts for name, places in count.items() if places}
    assert set(made.rewrites) == changed
    assert "gelu-tanh" not in changed
    assert list(made.rewrites) == [name for name in ("rank", "slices") if name in changed]
    assert set(made.tensors) == {"stem", "step1_e0", "step1_e1"}
    assert worked(model, ())[1].rewritten().rewrites == ()


def test_made_up_weights_are_unlike_each_other_also_in_half_precision(worked, zoo):
    _, job = worked(zoo.Foreign(experts=2), ("views",))
    probed = [family for family in job.families if family.probed]
    assert [len(family.graphs) for family in job.families] == [1, 2]
    program = job.program(probed[0])
    firsts = Counter(tensor.half().flatten()[0].item() for tensor in program.state_dict.values())
    assert max(firsts.values()) == 1


def test_captured_programs_are_written_once(zoo, tmp_path, monkeypatch):
    stages = make_stages(zoo.enliven(zoo.Foreign(experts=2)), "dispatch", 1)
    families = write_captured(stages, tmp_path)
    monkeypatch.setattr(captured, "save_file", None)
    assert write_captured(stages, tmp_path) == families
    stem, step = families
    assert [spec.name for spec in stem.outputs] == ["tokens", "logits"]
    assert [spec.shape for spec in step.outputs] == [(1, 5)]


@pytest.mark.parametrize("name", ["coreml", "executorch"])
def test_a_target_starts_without_rewriting(zoo, tmp_path, monkeypatch, name):
    stages = make_stages(zoo.enliven(zoo.Foreign(experts=2)), "dispatch", 1)
    write_captured(stages, tmp_path / "scratch")

    def refuse(*arguments, **options):
        raise AssertionError("it works in the process that starts it")

    monkeypatch.setattr(programs, "rewrite_program", refuse)
    monkeypatch.setattr(torch.export, "export", refuse)
    monkeypatch.setattr(torch.export, "save", refuse)
    before = time.process_time()
    work = find_target(name).start(stages, ExportOptions(), tmp_path, tmp_path / "scratch")
    spent = time.process_time() - before
    work.cancel()
    assert spent < 1


@pytest.fixture(scope="module")
def twice():
    """An operator of another library, made of PyTorch's."""
    library = torch.library.Library("theirs", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2, "CompositeImplicitAutograd")
    yield torch.ops.theirs.twice
    library._destroy()


@pytest.mark.parametrize("rewrites", [None, ()])
def test_a_compiler_needs_no_library_whose_operators_are_made_of_pytorchs(
    zoo, tmp_path, twice, rewrites
):
    class Doubled(nn.Linear):
        def forward(self, tokens):
            return twice(super().forward(tokens))

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Doubled(16, 16)

    made = export_bundle(
        zoo.enliven(Model(experts=2)),
        tmp_path / "a.bundle",
        targets=["executorch"],
        options=ExportOptions(rewrites=rewrites),
        skip_verify=True,
    )
    assert len(made.targets["executorch"].graphs) == 3


REWRITE = """
from mvmoe_export.rewrites.contract import rewrite


@rewrite("counted", need="no-erf", order=0)
def PART(graph):
    \"\"\"Changes nothing and says that it has.\"\"\"
    return 7
"""


def test_the_rewrite_of_a_plug_in_is_found_by_the_compiler(zoo, tmp_path, monkeypatch):
    (tmp_path / "counted_rewrite.py").write_text(REWRITE)
    info = tmp_path / "counted_rewrite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counted-rewrite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mvmoe.parts]\nrewrites.counted = counted_rewrite\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = export_bundle(
        zoo.enliven(zoo.Foreign(experts=2)),
        tmp_path / "a.bundle",
        targets=["executorch"],
        options=ExportOptions(rewrites=("counted",)),
        skip_verify=True,
    )
    assert made.targets["executorch"].rewrites == ("counted",)
