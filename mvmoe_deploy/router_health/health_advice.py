"""What to do about a verdict, with commands that can be pasted."""

import itertools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mvmoe_deploy.router_health.stage_health import HealthAdvice
from mvmoe_deploy.routing import Route


@dataclass(frozen=True)
class ModelSource:
    """How the model is named on a command line."""

    words: str = "CHECKPOINT"
    """What stands behind `mvmoe export`."""
    name: str = "model"
    constant: Mapping[int, Route] = field(default_factory=dict)
    """The constant routes of a bundle, by the model's own number of the stage."""
    kept: Mapping[int, Route] = field(default_factory=dict)
    """The experts that it keeps, in the same way."""

    def own_stage(self, stage: int) -> int:
        """The model's own number of a bundle's stage, both from 1.

        Stages of a bundle are counted without those that were made constant, the model's with them.
        """
        own = (number for number in itertools.count(1) if number not in self.constant)
        return next(itertools.islice(own, stage - 1, None))

    def export(self, option: str, stage: int, experts: Iterable[int], output: str) -> str:
        """The command that exports the model with one more restriction of a bundle's stage."""
        number = self.own_stage(stage)
        before = {("--constant-route", each): route for each, route in self.constant.items()}
        before |= {("--keep-experts", each): kept for each, kept in self.kept.items()}
        before.pop(("--keep-experts", number), None)
        options = [*before.items(), ((option, number), tuple(experts))]
        words = " ".join(f"{name} {each}:{_joined(route)}" for (name, each), route in options)
        return f"mvmoe export {self.words} {words} -o {shlex.quote(f'{self.name}-{output}.mvmoe')}"

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
            command=model.export("--constant-route", stage, route, "constant"),
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
            command=model.export("--keep-experts", stage, kept, "smaller"),
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


def _joined(experts: Iterable[int]) -> str:
    return ",".join(map(str, experts))
