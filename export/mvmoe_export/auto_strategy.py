"""The strategy of an export that leaves the choice to us."""

from collections.abc import Sequence
from typing import NamedTuple

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import HOST, Routers
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.strategies import Suitability, find_strategy
from mvmoe_export.evaluation_mode import evaluation_mode
from mvmoe_export.preflight import require_targets
from mvmoe_export.stages import MAX_GRAPHS, make_stages
from mvmoe_export.targets import ExportOptions, find_target

AUTO = "auto"
"""What is given instead of a strategy's name."""


class ChosenStrategy(NamedTuple):
    """A strategy that can serve a model, and why it was taken."""

    name: str
    reason: str
    refused: dict[str, str]
    """Those that would have suited better, with what each says against the model."""

    @property
    def sentence(self) -> str:
        """For people."""
        others = "".join(f"; {name} cannot: {said}" for name, said in self.refused.items())
        return f"strategy {self.name}: {self.reason}{others}"


def choose_strategy(
    model: RoutedModel,
    batch: int = 1,
    max_graphs: int = MAX_GRAPHS,
    *,
    routers: Routers = HOST,
    targets: Sequence[str] = (),
    options: ExportOptions | None = None,
) -> ChosenStrategy:
    """The most suitable of the built-in strategies that can serve a model on all `targets`.

    Each says itself how well it suits the model's rules (`Strategy.suits`), and each target whether
    it can serve its graphs. Raises what the last of them raises where none can.
    """
    found = {name: find_target(name) for name in targets}
    refused: dict[str, str] = {}
    last: InputError | None = None
    for name, suitability in _by_rank(model):
        try:
            with evaluation_mode(model):
                stages = make_stages(model, name, batch, max_graphs, routers=routers)
                require_targets(found, stages, options or ExportOptions())
        except InputError as error:
            refused[name], last = str(error), error
        else:
            return ChosenStrategy(name, suitability.reason, refused)
    assert last is not None
    raise last


def _by_rank(model: RoutedModel) -> list[tuple[str, Suitability]]:
    """The built-in strategies that may be chosen, the most suitable first."""
    found = []
    for name in part_lookup.built_in_names("strategies"):
        suitability = find_strategy(name).suits(tuple(model.routing))
        if suitability is not None:
            found.append((name, suitability))
    return sorted(found, key=lambda item: item[1].rank)
