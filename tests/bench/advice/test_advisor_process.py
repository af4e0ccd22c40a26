"""The advisor in a process of its own: the same advice, and one sentence where a file ends it."""

import json

import pytest
from expected_errors import raises

from mvmoe_bench.advice import advise
from mvmoe_bench.advice.advisor_process import advise_isolated
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import BundleError, EngineError

ENDS = (
    "import os\nimport signal\n"
    + """

class Ending:
    name, reason, source = "ending", "because", "here"

    def check(self, target):
        {what}


PART = Ending()
"""
)


@pytest.fixture
def ending(plug_in):
    """Installs a rule that does something to its process."""

    def install(what):
        plug_in(
            "endingrules", ENDS.format(what=what), "[mvmoe.parts]\nadvice.ending = endingrules\n"
        )

    return install


def test_it_gives_the_same_advice(exported):
    assert advise_isolated(exported.naive, name="b") == advise(exported.naive, name="b")
    with raises(BundleError, "bundle.no-target", target="executorch"):
        advise_isolated(exported.naive, ["executorch"])


def test_a_file_that_ends_the_process_is_named_with_exit_code_1(exported, ending, capfd):
    ending("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(SystemExit) as ended:
        main(["bench", str(exported.naive.path), "--advise", "--json"])
    assert ended.value.code == 1
    message = json.loads(capfd.readouterr().out)["error"]["message"]
    assert "step1_e2.onnx of bundle" in message
    assert "ended the process that reads its operators by SIGSEGV" in message


def test_a_file_that_is_never_read_is_given_up(exported, ending):
    ending("__import__('ctypes').PyDLL(None).sleep(1000)")
    with raises(EngineError, "engine.timeout", file="onnx/step1_e2.onnx"):
        advise_isolated(exported.naive, time_limit=8)
