"""The model's own code, run from here: what it raises."""

import contextlib
from collections.abc import Iterator

from mvmoe_deploy.errors import InputError, MvmoeError


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
            found="SystemExit",
        ) from error
    except Exception as error:  # It is not our code: it raises what it likes.
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise InputError(
            f"{what} raised {reason[:300]}; mend the model's code",
            code="model.code-failed",
            found=reason[:300],
        ) from error
