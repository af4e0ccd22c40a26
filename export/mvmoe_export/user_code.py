"""The model's own code, run from here: what it raises and prints."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TextIO, TypeVar

from mvmoe_deploy.errors import InputError, MvmoeError

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


@contextlib.contextmanager
def user_code(what: str, passing: type[Exception] = MvmoeError) -> Iterator[None]:
    """Run the model's own code; raises InputError for whatever it raises, `what` at its front.

    Ctrl-C, this product's own errors and `passing` pass as they are.
    """
    try:
        yield
    except (MvmoeError, passing):
        raise
    except SystemExit as error:
        raise InputError(
            f"{what} tried to end the program ({error!r}); remove that call",
            code="model.code-failed",
        ) from error
    except Exception as error:  # It is not our code: it raises what it likes.
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise InputError(
            f"{what} raised {reason[:300]}; mend the model's code",
            code="model.code-failed",
        ) from error


def prints_apart(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Send what the model's own code prints to stderr: stdout is for the caller's own output.

    What a callback `progress` prints goes where it went before.
    """

    @wraps(function)
    def run(*given: _Given.args, **options: _Given.kwargs) -> _Result:
        progress = options.get("progress")
        if callable(progress):
            options["progress"] = _printing_to(sys.stdout, progress)
        with contextlib.redirect_stdout(sys.stderr):
            return function(*given, **options)

    return run


def _printing_to(stream: TextIO, progress: Callable[..., None]) -> Callable[..., None]:
    def report(*news: object) -> None:
        with contextlib.redirect_stdout(stream):
            progress(*news)

    return report
