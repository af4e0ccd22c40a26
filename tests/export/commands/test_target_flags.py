"""Flags of targets on the command line: made from the options of each, a plug-in's too."""

import click
import pytest
from click.testing import CliRunner
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_export.commands.target_flags import take_target_options, target_flags
from mvmoe_export.targets.onnx import OnnxOptions

PLUGIN = """
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from mvmoe_export.targets.contract import TargetOptions


class Options(TargetOptions, frozen=True):
    target: ClassVar[str] = "tiny-engine"
    speed: Annotated[Literal["slow", "fast"], Meta(description="How fast.")] = "slow"
    level: Annotated[int, Meta(ge=1, le=3, description="How much.")] = 2
    exact: Annotated[bool, Meta(description="Whether to round.")] = False
    tag_names: Annotated[tuple[str, ...], Meta(description="Names.")] = ("a",)


class Target:
    name = "tiny-engine"
    options = Options


PART = Target()
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A package that brings the target `tiny-engine`, and one whose module cannot be imported."""
    (tmp_path / "tiny_engine_target.py").write_text(PLUGIN)
    (tmp_path / "broken_target.py").write_text("raise RuntimeError('broken')")
    info = tmp_path / "tiny_target-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-target\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mvmoe.parts]\ntargets.tiny-engine = tiny_engine_target\ntargets.broken = broken_target\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def invoked(*arguments):
    """What a command with the flags of all targets makes of arguments."""
    given = {}

    def taken(**parameters):
        given.update(take_target_options(parameters))
        assert not parameters

    command = click.Command("command", params=target_flags(), callback=taken)
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return given, result.output


def test_the_flags_of_a_plug_in_become_its_options(plugins):
    words = ("fast", "--tiny-engine-level", "3", "--tiny-engine-exact", "true")
    tags = ("--tiny-engine-tag-names", "b", "--tiny-engine-tag-names", "c")
    given, _ = invoked("--tiny-engine-speed", *words, *tags, *tags)
    assert given["tiny-engine"].recorded() == {
        "speed": "fast",
        "level": 3,
        "exact": True,
        "tag_names": "b,c",
    }
    assert given["onnx"] == OnnxOptions()
    assert "broken" not in given


def test_the_help_says_what_is_known_of_a_field(plugins):
    _, output = invoked("--help")
    text = " ".join(output.split())
    assert "How fast. One of slow, fast. [default: slow]" in text
    assert "--onnx-opset INTEGER" in text


def test_a_value_that_its_field_does_not_allow_is_one_sentence(plugins):
    with raises(InputError, "input.option", name="the tiny-engine level", given="4"):
        invoked("--tiny-engine-level", "4")
