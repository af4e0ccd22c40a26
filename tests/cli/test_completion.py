"""What shells complete: names of parts, from the parts themselves."""

import click
import pytest
from click.shell_completion import ShellComplete

from mvmoe_deploy import part_lookup
from mvmoe_deploy.cli.group import mvmoe
from mvmoe_deploy.models import preset_names


def completed(*words: str) -> list[str]:
    """What is offered for the last word, of the command line before it."""
    shell = ShellComplete(mvmoe, {}, "mvmoe", "_MVMOE_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("export", "--target"), "targets"),
        (("convert", "x", "--to"), "families"),
        (("bench", "x", "--device"), "devices"),
        (("train", "--data"), "datasets"),
        (("train", "--routing"), "routings"),
        (("run", "x", "--target"), "targets"),
        (("pack", "x", "--target"), "targets"),
    ],
)
def test_parts_are_completed(words, kind):
    assert completed(*words, "") == part_lookup.names(kind)


def test_words_of_a_command_stand_beside_parts():
    assert completed("export", "--strategy", "") == ["auto", *part_lookup.names("strategies")]
    assert completed("export", "--precision", "int8-") == ["int8-static"]


def test_values_of_a_targets_options_are_completed():
    assert completed("export", "--onnx-profile", "") == ["cpu", "nnapi", "coreml-ep"]


@pytest.mark.parametrize("words", [("init",), ("train", "--preset"), ("verify", "x", "--config")])
def test_presets_are_completed(words):
    assert completed(*words, "uoe_d") == [
        name for name in preset_names() if name.startswith("uoe_d")
    ]
    assert completed(*words, "nothing") == ["nothing"]  # The shell goes on with files.


def test_every_shell_has_its_script():
    for shell in ("bash", "zsh", "fish"):
        found = click.shell_completion.get_completion_class(shell)
        assert found is not None
        assert "_MVMOE_COMPLETE" in found(mvmoe, {}, "mvmoe", "_MVMOE_COMPLETE").source()
