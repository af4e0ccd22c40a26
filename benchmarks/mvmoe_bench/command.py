"""What every benchmark's command line does alike: exit codes, errors in one sentence, Ctrl-C."""

import json
import sys
from typing import NoReturn

import click

from mvmoe_deploy.errors import InputError, MissingExtraError, MvmoeError
from mvmoe_deploy.onnxruntime_import import disable_telemetry
from mvmoe_deploy.system.processes import interruptible
from mvmoe_deploy.system.temporary import private_temporary_files
from mvmoe_deploy.system.terminal import SafeConsole
from mvmoe_deploy.text import one_line

_INTERRUPTED = 130


def run_command(command: click.Command, program: str, arguments: list[str] | None) -> NoReturn:
    """Run a command line; ends the process with an exit code of `docs/design.md`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    disable_telemetry()
    with interruptible():
        code = _run(command, program, arguments)
    sys.exit(code)


def _run(command: click.Command, program: str, arguments: list[str]) -> int:
    """Run a command line; gives its exit code."""
    try:
        with private_temporary_files():
            command.main(arguments, prog_name=program, standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; nothing half-written was left")
        return _INTERRUPTED
    except MvmoeError as error:
        return _refuse(error, "--json" in arguments)
    except click.ClickException as error:
        usage = InputError(f"{error.format_message()} (see {program} --help)")
        return _refuse(usage, "--json" in arguments)
    except ModuleNotFoundError as error:
        missing = MissingExtraError.of(str(error.name), "bench")
        return _refuse(missing, "--json" in arguments)
    return 0


def _refuse(error: MvmoeError, as_json: bool) -> int:
    """Say an error in one sentence; gives its exit code."""
    _say(f"error: {error}")
    if as_json:
        kind = type(error).__name__
        sys.stdout.write(json.dumps({"error": {"type": kind, "message": str(error)}}) + "\n")
    return error.exit_code


def _say(text: str) -> None:
    """One line on stderr."""
    shown = one_line(text)
    SafeConsole(stderr=True, highlight=False, soft_wrap=True).print(shown, markup=False)
