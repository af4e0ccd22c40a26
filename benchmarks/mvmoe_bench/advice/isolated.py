"""The advisor in a process of its own: its readers parse graphs that are not trusted."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from mvmoe_bench.advice.advice import advise
from mvmoe_bench.measure.schema.records import Advice
from mvmoe_deploy import errors
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_deploy.system.own_process import Line, OwnProcess, ProcessEndedError, ProcessTimeoutError

TIME_LIMIT = 600.0
"""Seconds for reading one file."""

_WORK = "mvmoe_bench.advice.isolated:serve"
_MOST_BYTES = 2**26
"""Of the advice: a sentence for each graph of the largest bundle."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """What passes between the two processes."""


class Asked(_Message, frozen=True):
    """Which bundle, and which of its targets."""

    root: str
    manifest_sha256: str | None
    plugins: bool
    targets: tuple[str, ...] | None
    name: str | None


class Reading(_Message, frozen=True):
    """A file is about to be parsed."""

    file: str


class Said(_Message, frozen=True):
    """All advice."""

    advice: tuple[Advice, ...]


class Refused(_Message, frozen=True):
    """One of our errors by the name of its class, or a fault, which has none."""

    error: str
    message: str


_decode = msgspec.json.Decoder(Reading | Said | Refused).decode


def advise_isolated(
    bundle: Bundle,
    targets: Sequence[str] | None = None,
    *,
    name: str | None = None,
    time_limit: float = TIME_LIMIT,
) -> list[Advice]:
    """What `advise` gives; EngineError for a file that ends the process or is never read."""
    chosen = None if targets is None else tuple(targets)
    asked = Asked(str(bundle.path.absolute()), bundle.manifest_sha256, bundle.plugins, chosen, name)
    process = OwnProcess(_WORK)
    try:
        process.send(msgspec.json.encode(asked), time_limit)
        return _listen(process, bundle, time_limit)
    finally:
        process.end()


def _listen(process: OwnProcess, bundle: Bundle, time_limit: float) -> list[Advice]:
    """Hear which file is parsed, until all is said."""
    about = f"bundle {bundle.path}"
    try:
        while True:
            said = _decode(process.receive(_MOST_BYTES, time_limit))
            if isinstance(said, Said):
                return list(said.advice)
            if isinstance(said, Refused):
                raise _error(said)
            about = f"{said.file} of bundle {bundle.path}"
    except ProcessEndedError as error:
        raise EngineError(
            f"{about} ended the process that reads its operators {error}; the file is malformed: "
            "take the bundle from another place"
        ) from error
    except (ProcessTimeoutError, msgspec.MsgspecError) as error:
        raise EngineError(
            f"{about} could not be read within {time_limit:g} seconds, or was read as nonsense; "
            "the file is malformed: take the bundle from another place"
        ) from error


def serve(line: Line) -> None:
    """The other process: read the graphs and give advice."""
    message = line.receive()
    if message is None:
        return
    asked = msgspec.json.decode(message, type=Asked)
    try:
        bundle = Bundle.open(Path(asked.root), asked.manifest_sha256, plugins=asked.plugins)
        advice = advise(
            bundle,
            asked.targets,
            name=asked.name,
            reading=lambda file: line.send(msgspec.json.encode(Reading(file))),
        )
        answer: Said | Refused = Said(tuple(advice))
    except MvmoeError as error:
        answer = Refused(type(error).__name__, str(error))
    except Exception as error:  # A fault of a rule, ours or a plug-in's: it is told as one.
        answer = Refused("", f"{type(error).__name__}: {error}")
    line.send(msgspec.json.encode(answer))


def _error(refused: Refused) -> Exception:
    """The error that the other process raised; a fault of the code is no error of ours."""
    kind = getattr(errors, refused.error, None)
    if isinstance(kind, type) and issubclass(kind, MvmoeError):
        return kind(refused.message)
    return RuntimeError(refused.message)
