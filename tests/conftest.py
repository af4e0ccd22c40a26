"""What all tests share: repeatable properties, and one thread each on a machine that others use."""

import gc
import importlib.util
import os
import signal
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
# For tests that import ONNX Runtime themselves.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import hypothesis
import pytest
from filelock import FileLock

# What tests of several languages inherit, and how errors are asked for.
pytest.register_assert_rewrite(
    "bench_of_language",
    "expected_errors",
    "order_process",
    "orders_in_folder",
    "own_run_of_language",
)

# Started in the background, a shell's children ignore Ctrl-C, and so would the programs that tests
# interrupt; under nohup they ignore the end of their terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Same examples in every run, none kept on disk; how long one takes is the machine's affair.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("repeatable")


def pytest_collection_finish(session):
    """Take what was imported out of the garbage collector's way: no test frees it.

    Each export makes enough objects for a walk over all that lives, and most of that is PyTorch's.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id):
    """Makes a directory once for all workers: engines' compilers take many seconds."""
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent

    def make(name, write):
        path = root / "made-once" / name
        path.parent.mkdir(exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                write(path)
        return path

    return make


@pytest.fixture(scope="session", autouse=True)
def _warm_compilers():
    """Lets exports of this process have compilers whose engines are imported already.

    Where no test module that was collected imports the exporter, it is left as it is.
    """
    compiling = sys.modules.get("mvmoe_export.compiling")
    if compiling is None:
        yield
        return
    from warm_compilers import WarmCompilers

    # The path of a socket has at most 107 characters.
    with (
        tempfile.TemporaryDirectory(prefix="warm-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        compilers = WarmCompilers(Path(folder))
        patch.setattr(compiling, "subprocess", compilers)
        yield
        compilers.close()


@pytest.fixture(scope="session")
def material():
    """What makes the healthy files that tests use and fuzzing damages."""
    file = Path(__file__).parent / "fuzz" / "material.py"
    spec = importlib.util.spec_from_file_location("fuzz_material", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def everything_made(made_once, material):
    """A folder with a small checkpoint (`tiny`) and its bundle of all targets."""
    return made_once("everything", material.make_all)


@pytest.fixture
def mvmoe(capsys):
    """Run the command in this process; gives its exit code, stdout and stderr."""
    from mvmoe_deploy import cli

    def call(*arguments: object) -> tuple[int, str, str]:
        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        signal.signal(signal.SIGTERM, before)
        return ended.value.code, *capsys.readouterr()

    return call
