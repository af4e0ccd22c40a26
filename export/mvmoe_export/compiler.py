"""The process that a compiler runs in: `python -m mvmoe_export.compiler FOLDER`."""

import contextlib
import gc
import importlib
import os
import sys
from pathlib import Path

from mvmoe_deploy.errors import EngineError, MissingExtraError, MvmoeError
from mvmoe_deploy.system.processes import end_when_closed
from mvmoe_export import compiling


def main(folder: Path) -> None:
    """Do the job in a folder and leave its data or its error there."""
    # Engines print what they like; the line to the parent stays clean.
    line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def report(graph: str) -> None:
        print("done", graph, file=line, flush=True)

    given = compiling.read_job(folder, report)
    try:
        module, name = given.job.compiler.split(":")
        compile_job = getattr(importlib.import_module(module), name)
        # An engine is a million objects, which would be walked again and again.
        gc.freeze()
        data = compile_job(given)
        compiled = compiling.Compiled(data, given.rewritten(), given.write_expert_weights())
    except MvmoeError as error:
        compiling.write_result(folder, error)
    except ModuleNotFoundError as error:
        missing = MissingExtraError.of(str(error.name), given.job.extra)
        compiling.write_result(folder, missing)
    except OSError as error:
        compiling.write_result(folder, _refusal(error))
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        compiling.write_result(
            folder, EngineError(f"{type(error).__name__}: {said[:300]}", found=type(error).__name__)
        )
    else:
        compiling.write_result(folder, compiled)


def _refusal(error: OSError) -> MvmoeError:
    return MvmoeError(
        f"the system refused to read or write ({error}); check space and paths",
        code="system.refused",
    )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        end_when_closed(0)  # The stdin that the process which started this one holds.
        main(Path(sys.argv[1]))
