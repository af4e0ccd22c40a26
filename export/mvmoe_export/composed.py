"""A whole model as one module: its stem, and after it a step for each routed stage."""

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import IMAGE, LOGITS, declared_finishes, named_output
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import GraphRule
from mvmoe_export.flow import flow_of


class ComposedModel(nn.Module):
    """The stem, and after it each routed step with what is selected for it.

    It shares the model's parameters.
    """

    def __init__(self, model: RoutedModel, steps: Iterable[nn.Module]) -> None:
        super().__init__()
        self.stem = model.stage(0, ())
        self.steps = nn.ModuleList(steps)
        flow = flow_of(model)
        self.takes = [tuple(stage.record.takes) for stage in flow.stages[1:]]
        """For each step the tensors that it takes, by name."""
        self.outputs = tuple(output.name for output in flow.outputs)

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """What step `stage` (from 0) takes after its tensors, of router logits `[B, E]`."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Images `[B, C, H, W]` to the outputs `[B, ...]`: one, or several in their order."""
        found = self.run(image, self.selected)
        return found if len(found) > 1 else found[0]

    def run(
        self, image: Tensor, selected: Callable[[int, Tensor], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """The outputs `[B, ...]` in their order, each step taking what is selected for it."""
        alone = self.outputs[0]
        state = {IMAGE: image, **named_output(self.stem(image), alone)}
        # A route on which images are finished has no step, and nothing comes behind it.
        for stage, (step, names) in enumerate(zip(self.steps, self.takes, strict=False)):
            tensors = [state[name] for name in names]
            # Where the caller chooses there is no router, and nothing has logits.
            logits = state.get(LOGITS, image.new_ones((len(image), 1)))
            state |= named_output(step(*tensors, *selected(stage, logits)), alone)
        return tuple(state[name] for name in self.outputs)


def require_all_stages(model: RoutedModel) -> None:
    """Refuse a model whose images may be finished early: a graph runs all that it has."""
    if any(declared_finishes(model, model.routing)):
        raise InputError(
            f"{type(model).__name__} finishes some images before its last stage, which one graph "
            "for all images cannot do; let the host route",
            code="export.graph-refused",
            name="finishes",
        )


def graph_rule(rule: Rule) -> GraphRule | None:
    """The rule of a stage's router, in a graph; None if the stage has no router.

    Raises InputError for one that cannot be a part of a graph.
    """
    router = router_of(rule)
    if router is None or isinstance(router, GraphRule):
        return router
    raise InputError(
        f"the rule {router.name} has no form inside of a graph (see GraphRule); let the host route",
        code="export.graph-refused",
        name=router.name,
    )


def graph_rules(model: RoutedModel) -> list[GraphRule]:
    """The rules of the model's routers, in a graph.

    Raises InputError for a stage that only the caller routes: a graph can ask nobody.
    """
    rules = []
    for stage, rule in enumerate(model.routing, start=1):
        found = graph_rule(rule)
        if found is None:
            raise InputError(
                f"the routes of routed stage {stage} are chosen by the caller ({rule.describe()}), "
                "and a graph can ask nobody; let the host route",
                code="export.graph-refused",
                stage=stage,
                name=rule.name,
            )
        rules.append(found)
    return rules
