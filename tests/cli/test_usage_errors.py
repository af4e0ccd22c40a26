"""What commands say of wrong arguments: before PyTorch is imported, and with a hint that helps."""

import json
import subprocess
import sys

import pytest

from mvmoe_deploy.text import choices_text, counted, nearest

ALL = """
import contextlib, io, json, sys
from mvmoe_deploy import cli

for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main([*words, "--json"])
        except SystemExit as ended:
            assert ended.code == 2, (words, ended.code, said.getvalue())
    assert "torch" not in sys.modules, words
"""


def test_usage_errors_come_before_pytorch(tmp_path):
    """In one process, which has imported nothing before: an import would stay."""
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    out, none, full = str(tmp_path / "out"), str(tmp_path / "none"), str(full)
    some = str(tmp_path)
    cases = [
        ["export", "--nonsense"],
        ["export", "-o", out],
        ["export", none, "-o", out],
        ["export", some, "-o", full],
        ["export", full, "-o", out, "--target", "onx"],
        ["export", full, "-o", out, "--strategy", "dispach"],
        ["export", full, "-o", out, "--precision", "int9"],
        ["export", full, "-o", out, "--precision", "int8", "--precision", "auto"],
        ["export", full, "-o", out, "--onnx-profile", "gpu"],
        ["export", full, "-o", out, "--smooth"],
        ["train", "-o", full],
        ["train", "-o", out, "--data", none],
        ["train", "-o", out, "--from", none],
        ["train", "-o", out, "--routing", "nope"],
        ["init", "digits", "-o", full],
        ["init", f"{none}.json", "-o", out],
        ["convert", none, "-o", out, "--to", "uoe"],
        ["convert", full, "-o", out, "--to", "uo"],
        ["verify", none],
        ["verify", full, "--checkpoint", none],
        ["routing", none, "--data", "digits"],
        ["bench", none, "-o", out],
        ["bench", full],
        ["bench", full, "-o", out, "--checkpoint", none],
        ["run", none, full],
        ["pack", none, "--target", "onnx", "-o", out],
        ["inspect", none],
        ["report", none, "-o", f"{out}.md"],
        ["parts", "nope"],
        ["exprt"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", ALL, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_without_pytorch_the_exporter_says_how_to_install_it(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    words = [str(tmp_path / "checkpoint"), "-o", str(tmp_path / "out")]
    code = (
        "import runpy, sys; sys.modules['torch'] = None; "
        f"sys.argv = ['mvmoe_export', *{words!r}]; "
        "runpy.run_module('mvmoe_export', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 3
    assert "pip install 'mvmoe-deploy[export]'" in done.stderr


def test_mvmoe_alone_prints_its_help(mvmoe):
    code, out, err = mvmoe()
    assert (code, err) == (0, "")
    assert out.startswith("Usage: mvmoe")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exprt"], "(the nearest is export)"),
        (["init", "digit", "-o", "x"], "are digits, "),
        (["convert", "x", "-o", "y", "--to", "uo"], "(the nearest is uoe)"),
        (["export", "--nonsense"], "(see mvmoe export --help)"),
    ],
)
def test_the_nearest_name_is_said(mvmoe, words, said):
    code, _, err = mvmoe(*words)
    assert code == 2
    assert said in err


def test_of_many_names_the_nearest_are_told():
    known = [f"model_{size}" for size in range(40)]
    assert choices_text("model_39x", known).startswith("the nearest of 40 are model_39")
    assert choices_text("qqq", known).startswith("of 40 there are model_0, ")
    assert choices_text("b", ["a"]) == "known are a"
    assert nearest("a", ["abcdef", "b"]) == ["abcdef"]


@pytest.mark.parametrize(("number", "said"), [(0, "0 routes"), (1, "1 route"), (2, "2 routes")])
def test_plurals(number, said):
    assert counted(number, "route") == said
