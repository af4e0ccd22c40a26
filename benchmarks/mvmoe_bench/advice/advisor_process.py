"""The advisor in a process of its own: its readers parse graphs that are not trusted."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from mvmoe_bench.advice.advice import advise
from mvmoe_bench.measure.schema.records import Advice
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_deploy.runtime.isolated_messages import Message, Refused
from mvmoe_deploy.system.own_process import (
    Channel,
    OwnProcess,
    ProcessEndedError,
    ProcessTimeoutError,
)

TIME_LIMIT = 600.0
"""Seconds for reading one file."""

_WORK = "mvmoe_bench.advice.advisor_process:serve"
_MOST_BYTES = 2**26
"""Of the advice: a sentence for each graph of the largest bundle."""


class Asked(Message, frozen=True):
    """Which bundle, and which of its targets."""

    root: str
    manifest_sha256: str | None
    plugins: bool
    targets: tuple[str, ...] | None
    name: str | None


class Reading(Message, frozen=True):
    """A file is about to be parsed."""

    file: str


class Said(Message, frozen=True):
    """All advice."""

    advice: tuple[Advice, ...]


class RuleFault(Message, frozen=True):
    """A fault of a rule, ours or a plug-in's."""

    text: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Reading | Said | Refused | RuleFault).decode


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
        process.send(_encode(asked), time_limit)
        return _listen(process, bundle, time_limit)
    finally:
        process.end()


def _listen(process: OwnProcess, bundle: Bundle, time_limit: float) -> list[Advice]:
    """Hear which file is parsed, until all is said."""
    about, file = f"bundle {bundle.path}", ""
    try:
        while True:
            said = _decode(process.receive(_MOST_BYTES, time_limit))
            if isinstance(said, Said):
                return list(said.advice)
            if isinstance(said, Refused):
                raise said.as_error()
            if isinstance(said, RuleFault):
                raise RuntimeError(said.text)
            about, file = f"{said.file} of bundle {bundle.path}", said.file
    except ProcessEndedError as error:
        raise EngineError(
            f"{about} ended the process that reads its operators {error}; the file is malformed: "
            "take the bundle from another place",
            code="engine.process-ended",
            file=file,
        ) from error
    except (ProcessTimeoutError, msgspec.MsgspecError) as error:
        raise EngineError(
            f"{about} could not be read within {time_limit:g} seconds, or was read as nonsense; "
            "the file is malformed: take the bundle from another place",
            code="engine.timeout",
            file=file,
        ) from error


def serve(line: Channel) -> None:
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
            reading=lambda file: line.send(_encode(Reading(file))),
        )
        answer: Said | Refused | RuleFault = Said(tuple(advice))
    except MvmoeError as error:
        answer = Refused.of(error)
    except Exception as error:
        answer = RuleFault(f"{type(error).__name__}: {error}")
    line.send(_encode(answer))
