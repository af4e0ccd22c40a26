"""What to do about a verdict, in lines that can be pasted."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSource:
    """How the model is named on a command line."""

    words: str = "CHECKPOINT"
    """What stands behind `mvmoe export`."""
    name: str = "model"

    @classmethod
    def of_checkpoint(cls, path: str, name: str) -> "ModelSource":
        """A checkpoint that is there."""
        return cls(shlex.quote(path), name)

    @classmethod
    def of_factory(cls, factory: str, checkpoint: str | None) -> "ModelSource":
        """A user's own model, with the weights of a file if there is one."""
        weights = [] if checkpoint is None else ["--checkpoint", checkpoint]
        return cls(shlex.join(["--model", factory, *weights]), factory.rpartition(":")[2])


def for_collapsed(stage: int, route: Iterable[int], model: ModelSource) -> list[str]:
    """Of a router that sends nearly all images down one route."""
    made = _export(model, f"--constant-route {stage}:{_joined(route)}", "constant")
    return [
        "if these images are like those of the application, a static graph of the one route is as "
        f"right, smaller and faster: {made}",
        "if images should take several routes, train the router again: mvmoe train --routing "
        "super-class guides it by the classes, --routing end-to-end balances it by "
        "--balance-weight",
    ]


def for_unused(stage: int, kept: Iterable[int], model: ModelSource) -> list[str]:
    """Of experts that hardly any image uses."""
    made = _export(model, f"--keep-experts {stage}:{_joined(kept)}", "smaller")
    return [
        "look whether these images lack what the unused experts are for; if not, leave them out "
        f"of the bundle: {made}",
        "or train again with fewer experts, or with a larger --balance-weight (end-to-end) or "
        "--guide-weight (super-class)",
    ]


def for_imbalanced(busy: Iterable[int]) -> list[str]:
    """Of experts that images use very unevenly."""
    return [
        "answers may be right all the same; but most images share a few experts, and the weights "
        f"of the others are seldom needed: keep the busy ones in memory (pins of {_joined(busy)}, "
        "see docs/dispatcher.md)",
        "for an even use train again: mvmoe train with a larger --balance-weight (end-to-end), or "
        "--routing super-class",
    ]


def _export(model: ModelSource, option: str, kind: str) -> str:
    output = shlex.quote(f"{model.name}-{kind}.mvmoe")
    return f"mvmoe export {model.words} {option} -o {output}"


def _joined(experts: Iterable[int]) -> str:
    return ",".join(map(str, experts))
