"""What to do about a verdict, with commands that can be pasted."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mvmoe_deploy.router_health.stage_health import HealthAdvice


@dataclass(frozen=True)
class ModelSource:
    """How the model is named on a command line."""

    words: str = "CHECKPOINT"
    """What stands behind `mvmoe export`."""
    name: str = "model"

    @classmethod
    def of_checkpoint(
        cls, path: str, name: str, *, config: str | None = None, weights: str | None = None
    ) -> "ModelSource":
        """A checkpoint that is there, with what was said of it."""
        said = _flags(config=config, weights=weights)
        return cls(shlex.join([path, *said]), name)

    @classmethod
    def of_factory(
        cls, factory: str, checkpoint: str | None, weights: str | None = None
    ) -> "ModelSource":
        """A user's own model, with the weights of a file if there is one."""
        said = _flags(model=factory, checkpoint=checkpoint, weights=weights)
        return cls(shlex.join(said), factory.rpartition(":")[2])


def for_collapsed(stage: int, route: Iterable[int], model: ModelSource) -> list[HealthAdvice]:
    """Of a router that sends nearly all images down one route."""
    return [
        HealthAdvice(
            text="if these images are like those of the application, a static graph of this one "
            "route is as right, smaller and faster",
            command=_export(model, f"--constant-route {stage}:{_joined(route)}", "constant"),
        ),
        HealthAdvice(
            text="if images should take several routes, train the router again: with --routing "
            "super-class the classes guide it, with --routing end-to-end a larger --balance-weight "
            "spreads the images"
        ),
    ]


def for_unused(stage: int, kept: Iterable[int], model: ModelSource) -> list[HealthAdvice]:
    """Of experts that hardly any image uses."""
    return [
        HealthAdvice(
            text="if these images lack nothing that the application will see, leave the unused "
            "experts out",
            command=_export(model, f"--keep-experts {stage}:{_joined(kept)}", "smaller"),
        ),
        HealthAdvice(
            text="train again with fewer experts, or with a larger --balance-weight (end-to-end) "
            "or --guide-weight (super-class)"
        ),
    ]


def for_imbalanced(busy: Sequence[int]) -> list[HealthAdvice]:
    """Of experts that images use very unevenly; `busy` are those that most images use."""
    experts = "expert" if len(busy) == 1 else "experts"
    return [
        HealthAdvice(
            text="answers may be right all the same: if memory is short, pin the busy "
            f"{experts} {_joined(busy)} and let the others be loaded when an image needs them "
            "(docs/dispatcher.md)"
        ),
        HealthAdvice(
            text="for an even use train again: with --routing super-class the classes guide the "
            "router, with --routing end-to-end a larger --balance-weight spreads the images"
        ),
    ]


def _flags(**given: str | None) -> list[str]:
    """What was given, as words of a command line."""
    return [
        word for name, value in given.items() if value is not None for word in (f"--{name}", value)
    ]


def _export(model: ModelSource, option: str, kind: str) -> str:
    output = shlex.quote(f"{model.name}-{kind}.mvmoe")
    return f"mvmoe export {model.words} {option} -o {output}"


def _joined(experts: Iterable[int]) -> str:
    return ",".join(map(str, experts))
