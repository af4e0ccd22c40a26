"""What an interrupted command says of its work: what was kept, and how to go on."""

import contextlib
from collections.abc import Callable, Iterator

from mvmoe_deploy.system.processes import interruption_in

NOTHING_KEPT = "no partial output was written"


@contextlib.contextmanager
def says_what_is_kept(kept: Callable[[], str | None]) -> Iterator[None]:
    """If the block is interrupted, say what `kept` gives: what is there, and how to go on.

    It is asked afterwards, when the block has cleaned up; None where nothing was kept.
    """
    try:
        yield
    except BaseException as error:
        if (interruption := interruption_in(error)) is not None and (said := kept()) is not None:
            interruption.add_note(said)
        raise


def what_is_kept(interruption: BaseException) -> str:
    """What the commands around the interrupted work say, the outermost last."""
    return "; ".join(getattr(interruption, "__notes__", ())) or NOTHING_KEPT
