"""Standard streams that a command can write to, whoever started it and however."""

import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def stand_in_for_closed() -> None:
    """Let the null device stand in for standard streams that were closed (`>&-`).

    Else the next file that is opened would have the number of stdout, and what a library prints
    would go into it. What is written to such a stream is lost, as whoever closed it wants.
    """
    for number, name in enumerate(_NAMES):
        if not _is_open(number):
            # The lowest free number, which is this one: those below it are open by now.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = open(number, mode, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
