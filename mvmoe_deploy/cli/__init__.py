"""The `mvmoe` command line: the group of its commands, errors and exit codes, output, progress.

A command is a part of the kind `commands`: a module `commands/NAME.py` of the package that does the
work, with the command's arguments, its call and what is shown. It imports PyTorch and engines
inside of its function, so that `mvmoe --help` needs none of them.
"""

from typing import NoReturn

from mvmoe_deploy.cli.group import mvmoe
from mvmoe_deploy.cli.process import run_command

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run `mvmoe`; ends the process with an exit code of `docs/design.md`."""
    run_command(mvmoe, "mvmoe", arguments)
