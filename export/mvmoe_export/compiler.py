"""The process that a compiler runs in: `python -m mvmoe_export.compiler FOLDER`."""

import contextlib
import importlib
import os
import sys
import threading
from pathlib import Path

from mvmoe_deploy.errors import EngineError, MissingExtraError, MvmoeError
from mvmoe_export import compiling


def main(folder: Path) -> None:
    """Do the job in a folder and leave its data or its error there."""
    # Engines print what they like; the line to the parent stays clean.
    line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def report(graph: str) -> None:
        print("done", graph, file=line, flush=True)

    try:
        order = compiling.read(folder, report)
        module, name = order.job.compiler.split(":")
        data = getattr(importlib.import_module(module), name)(order)
    except MvmoeError as error:
        compiling.answer(folder, error=error)
    except ModuleNotFoundError as error:
        extra = order.job.options.get("extra", "export")
        compiling.answer(folder, error=MissingExtraError.of(str(error.name), extra))
    except OSError as error:
        compiling.answer(folder, error=_refusal(error))
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        compiling.answer(folder, error=EngineError(f"{type(error).__name__}: {said[:300]}"))
    else:
        compiling.answer(folder, data)


def _refusal(error: OSError) -> MvmoeError:
    return MvmoeError(f"the system refused to read or write ({error}); check space and paths")


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that ended.

    Its end of our stdin closes then; nothing is ever written there.
    """
    # Not through `sys.stdin`: Python aborts at its end if a thread holds the lock of that.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        threading.Thread(target=_end_with_parent, daemon=True).start()
        main(Path(sys.argv[1]))
