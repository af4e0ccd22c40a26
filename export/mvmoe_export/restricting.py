"""A model some of whose routing is fixed: one route of a stage for every image, or fewer experts.

Where every image takes one route, a static graph is as right as a dispatcher, smaller and faster. A
stage of a *constant route* becomes a part of the stage before it, which computes the gates from the
router's logits by the formula for an imposed route; of the *kept* experts of a stage the rule still
selects, by the scores of all (`Rule.among`). So an image whose routes are left keeps its answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle.manifest import Manifest, Restriction
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import ExpertModules, ModelOutput, RoutedModel
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.stage_tensors import (
    IMAGE,
    LOGITS,
    declared_finishes,
    declared_outputs,
    join_takes,
    named_output,
    output_alone,
    run_stage,
)
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule, UsagePrior
from mvmoe_deploy.routing.contract import require_route, route_of
from mvmoe_deploy.routing.prior import RouteShare
from mvmoe_export.composed import graph_rule
from mvmoe_export.finishing import columns
from mvmoe_export.flow import flow_of

INNER_LOGITS = "logits_of_stage_"
"""What a stage calls the logits of a router whose route is constant: they are an output of its
graph, so that it can be seen how sure the router is of that route; the stage's number follows."""


@dataclass(frozen=True)
class _Part:
    """A stage of a restricted model: one of the model's own, and those constant ones behind it."""

    stage: int
    constant: tuple[tuple[int, Route], ...]

    @property
    def last(self) -> int:
        """The last of the model's own stages in it."""
        return self.constant[-1][0] if self.constant else self.stage


def restricted(
    model: RoutedModel,
    *,
    constant_routes: Mapping[int, Route] | None = None,
    keep_experts: Mapping[int, Route] | None = None,
) -> RoutedModel:
    """The model with the routes of some stages constant, and with fewer experts in others.

    Both are by the number of a routed stage, from 1, with experts in ascending order. The model is
    left as it is, and its parameters are shared. Raises InputError for stages that it lacks, routes
    that their rules cannot give, and experts that leave no route.
    """
    constant, keep = dict(constant_routes or {}), dict(keep_experts or {})
    if not constant and not keep:
        return model
    if isinstance(model, RestrictedModel):
        _refuse("the model's routing is restricted already; restrict the model itself, once")
    for stage in (*constant, *keep):
        if not 1 <= stage <= len(model.routing):
            _refuse(
                f"stage {stage} was to be restricted; the model has "
                + _stages_in_words(len(model.routing))
            )
    if both := sorted(constant.keys() & keep.keys()):
        _refuse(
            f"stage {both[0]} was given a constant route and experts to keep; give one of the two"
        )
    rules = {stage: model.routing[stage - 1] for stage in (*constant, *keep)}
    for stage, route in constant.items():
        require_route(route, rules[stage], f"the constant route of stage {stage}")
        graph_rule(rules[stage])
    return restricted_by(
        model,
        [
            Restriction(
                stage=stage, rule=rules[stage], route=constant.get(stage), kept=keep.get(stage)
            )
            for stage in sorted(rules)
        ],
    )


def restricted_by(model: RoutedModel, restrictions: Sequence[Restriction]) -> RoutedModel:
    """The model with the restrictions that a manifest lists; raises InputError as `restricted`."""
    if not restrictions or isinstance(model, RestrictedModel):
        return model
    base = RestrictedWithExperts if isinstance(model, ExpertModules) else RestrictedModel
    # Messages and bundles name a model by its class.
    made: RestrictedModel = type(type(model).__name__, (base,), {})(model, restrictions)
    return made


def as_exported(model: RoutedModel, manifest: Manifest, where: str) -> RoutedModel:
    """The model, restricted as the manifest of its bundle says.

    Raises InputError for a model that cannot be the bundle's; `where` names its source.
    """
    rules = dict(enumerate(model.routing, start=1))
    if not isinstance(model, RestrictedModel):
        for restriction in manifest.restrictions:
            if rules.get(restriction.stage) != restriction.rule:
                raise InputError(
                    f"{where} does not route as the model of the bundle did at stage "
                    f"{restriction.stage} before its routing was restricted "
                    f"({restriction.rule.describe()}); give the checkpoint that it was exported "
                    "from",
                    code="checkpoint.other-model",
                    expected=restriction.rule.describe(),
                )
    return restricted_by(model, manifest.restrictions)


class RestrictedModel(nn.Module):
    """A routed model whose routing is restricted (see the module); it shares the parameters.

    Satisfies `RoutedModel`. Its `forward` is that of the model itself, forced down its routes.
    """

    def __init__(self, model: RoutedModel, restrictions: Sequence[Restriction]) -> None:
        """Raises InputError for experts that leave no route."""
        super().__init__()
        assert isinstance(model, nn.Module)
        self.model: Any = model
        self.restrictions = tuple(restrictions)
        self.outputs = declared_outputs(model)
        self._constant = {each.stage: each.route for each in restrictions if each.route is not None}
        self._rules = [
            self._restricted_rule(stage, rule) for stage, rule in enumerate(model.routing, start=1)
        ]
        finishes = declared_finishes(model, model.routing)
        self._parts = tuple(_parts(len(model.routing), self._constant, finishes))
        self.finishes = {
            place: kept
            for place, part in enumerate(self._parts)
            if (kept := [one for one in finishes[part.stage] if self._allows(part.stage, one)])
        }
        self._flow = flow_of(model)
        """Of the model itself: which tensors its stages take."""
        self.training = model.training

    def extra_repr(self) -> str:
        """What is restricted: exports that go on compare models by such words."""
        return repr(self.restrictions)

    def _restricted_rule(self, stage: int, rule: Rule) -> Rule:
        """The rule of one of the model's own stages."""
        kept = next((each.kept for each in self.restrictions if each.stage == stage), None)
        if kept is None:
            return rule
        try:
            return rule.among(kept)
        except InputError as error:
            raise InputError(
                f"the experts of stage {stage} cannot be restricted: {error}",
                code="input.option",
                name="keep-experts",
            ) from error

    def _allows(self, stage: int, route: Route) -> bool:
        return stage > 0 and self._rules[stage - 1].contains(route)

    @property
    def input(self) -> Preprocessing:
        """That of the model."""
        found: Preprocessing = self.model.input
        return found

    @property
    def input_origins(self) -> Any:
        """Who stated the input, if the model says so."""
        return getattr(self.model, "input_origins", None)

    @property
    def routing(self) -> tuple[Rule, ...]:
        """The rules of the stages whose routes are not constant."""
        return tuple(self._rules[part.stage - 1] for part in self._parts[1:])

    @property
    def inner_routers(self) -> tuple[str, ...]:
        """The logits of routers whose gates a stage computes by itself, by name."""
        return tuple(
            f"{INNER_LOGITS}{stage}"
            for part in self._parts
            for stage, _ in part.constant
            if self._flow.stages[stage].record.router is not None
        )

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """All parameters but those that only dropped experts have."""
        dropped = self._dropped() if recurse else set()
        found = super().parameters(recurse)
        return (parameter for parameter in found if id(parameter) not in dropped)

    def _dropped(self) -> set[int]:
        """The parameters of the model's stages that none of this one's reads."""
        used = {id(one) for part in self._modules_of_stages() for one in part.parameters()}
        every = [self.model.stage(0, ())]
        for stage, rule in enumerate(self.model.routing, start=1):
            every.append(self.model.stage(stage, tuple(range(rule.experts))))
        return {id(one) for module in every for one in module.parameters()} - used

    def _modules_of_stages(self) -> Iterator[nn.Module]:
        """Every stage, with all experts that an image may use."""
        yield self.stage(0, ())
        for place, rule in enumerate(self.routing, start=1):
            yield self.stage(place, tuple(rule.usable))

    def stage(self, index: int, route: Route) -> nn.Module:
        """A stage of the model, and those of constant routes behind it in one module."""
        part = self._parts[index]
        names = self._flow.stages[part.stage].record.takes
        return self._joined(part, self.model.stage(part.stage, route), tuple(names))

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> ModelOutput:
        """The model's own answer down its routes, constant ones among them."""
        if routes is not None or not self.routing:
            given: ModelOutput = self.model(images, routes=self._all_routes(routes or ()))
            return given
        parts: list[dict[str, Tensor]] = []
        for image in torch.split(images, 1):
            with torch.no_grad():
                taken = self._routes_of(image)
            parts.append(
                named_output(self.model(image, routes=self._all_routes(taken)), self._alone)
            )
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return joined if len(self.outputs) > 1 else joined[self._alone]

    def _routes_of(self, image: Tensor) -> list[Route]:
        """The routes of one image `[1, C, H, W]` by the rules; any behind the one that ends it."""
        state = {IMAGE: image, **run_stage(self.stage(0, ()), {IMAGE: image}, alone=self._alone)}
        routes: list[Route] = []
        for place, rule in enumerate(self.routing, start=1):
            members, gates = select(state[LOGITS], rule)
            route = route_of(members[0].cpu().numpy())
            routes.append(route)
            if route in self.finishes.get(place, ()):
                return [*routes, *(next(rule.routes()) for rule in self.routing[place:])]
            state |= run_stage(self.stage(place, route), state, gates[:, list(route)], self._alone)
        return routes

    def _all_routes(self, routes: Sequence[Route]) -> list[Route]:
        """A route for each of the model's own stages; any for those that no image runs."""
        own = {part.stage: route for part, route in zip(self._parts[1:], routes, strict=True)}
        own |= self._constant
        return [
            own.get(stage) or next(rule.routes())
            for stage, rule in enumerate(self.model.routing, start=1)
        ]

    @property
    def _alone(self) -> str:
        return output_alone(self.outputs)

    def _behind(self, part: _Part) -> tuple["_Constant", ...]:
        """The steps of constant routes that a part has behind its first stage."""
        steps = []
        for stage, route in part.constant:
            record = self._flow.stages[stage].record
            steps.append(_Constant(stage, route, record.routing, tuple(record.takes)))
        return tuple(steps)

    def _joined(self, part: _Part, head: nn.Module, names: Sequence[str]) -> nn.Module:
        """A stage, or its join, and the constant stages behind it; `names` are what it takes."""
        takes, gives = self._takes(part, names), self._gives(part)
        if not part.constant and set(gives) == set(self._flow.stages[part.stage].contract_names):
            return head
        steps = [self.model.stage(stage, route) for stage, route in part.constant]
        return _Joined(
            head=head,
            steps=steps,
            behind=self._behind(part),
            names=tuple(names),
            takes=takes,
            gives=tuple(gives),
            alone=output_alone(self.outputs),
        )

    def _takes(self, part: _Part, names: Sequence[str]) -> tuple[str, ...]:
        """What a part takes: `names`, and what its constant stages take of stages before it."""
        flows = self._flow.stages
        taken, inside = list(names), {*flows[part.stage].contract_names}
        for stage, _ in part.constant:
            record = flows[stage].record
            needed = [*record.takes, *([] if record.router is None else [LOGITS])]
            taken += [name for name in needed if name not in inside]
            inside.update(flows[stage].contract_names)
        return tuple(dict.fromkeys(taken))

    def _gives(self, part: _Part) -> list[str]:
        """The tensors that a part gives: those that are outputs, or that a later part takes."""
        flows, inside = self._flow.stages, range(part.stage, part.last + 1)
        later = [flows[stage].record for stage in self._stages_behind(part)]
        wanted = {tensor for output in self._flow.outputs for tensor in output.tensors}
        wanted |= {tensor for record in later for tensor in record.takes.values()}
        wanted |= {record.router for record in later if record.router is not None}
        names = [
            name
            for stage in inside
            for name in flows[stage].contract_names
            if flows[stage].tensor(name) in wanted
        ]
        return list(dict.fromkeys(names))

    def _stages_behind(self, part: _Part) -> Iterator[int]:
        """The model's own stages in the parts after one."""
        for other in self._parts[self._parts.index(part) + 1 :]:
            yield other.stage
            yield from (stage for stage, _ in other.constant)


class RestrictedWithExperts(RestrictedModel):
    """A restricted model whose stages have a module for each expert (`ExpertModules`)."""

    def expert(self, stage: int, index: int) -> nn.Module:
        """The model's own module of an expert."""
        found: nn.Module = self.model.expert(self._parts[stage].stage, index)
        return found

    def join(self, stage: int, count: int) -> nn.Module:
        """The model's own join of a stage, and the stages of constant routes behind it."""
        part = self._parts[stage]
        head = self.model.join(part.stage, count)
        known = self._flow.stages[part.stage].record.takes
        return self._joined(part, head, join_takes(head, known, count))


def restricted_prior(prior: UsagePrior | None, model: RoutedModel) -> UsagePrior | None:
    """A model's usage prior as that of the restricted one.

    The routes that are left keep their proportions; where no route of a stage is left that any
    image took, nothing is known of it, and so of none.
    """
    if prior is None or not isinstance(model, RestrictedModel):
        return prior
    left = []
    for part, rule in zip(model._parts[1:], model.routing, strict=True):
        if part.stage > len(prior):
            return prior  # Of another model: what checks it says so.
        shares = [item for item in prior[part.stage - 1] if rule.contains(item.route)]
        total = sum(item.share for item in shares)
        if not total:
            return None
        left.append(tuple(RouteShare(item.route, item.share / total) for item in shares))
    return tuple(left)


@dataclass(frozen=True)
class _Constant:
    """A routed stage for one route of every image."""

    stage: int
    route: Route
    rule: Rule
    takes: tuple[str, ...]


class _Joined(nn.Module):
    """A stage, or the join of its experts, and behind it stages with constant routes.

    `takes` are the names of its tensors, as a forward with named parameters would have them.
    """

    def __init__(
        self,
        *,
        head: nn.Module,
        steps: Sequence[nn.Module],
        behind: tuple[_Constant, ...],
        names: tuple[str, ...],
        takes: tuple[str, ...],
        gives: tuple[str, ...],
        alone: str,
    ) -> None:
        super().__init__()
        self.head, self.steps = head, nn.ModuleList(steps)
        self.takes = takes
        self._behind, self._names, self._gives = behind, names, gives
        self._alone = alone

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """The tensors that later stages take, and the logits of the routers inside, by name."""
        count = len(self.takes)
        state = dict(zip(self.takes, inputs[:count], strict=True))
        given = [state[name] for name in self._names]
        state |= named_output(self.head(*given, *inputs[count:]), self._alone)
        inner: dict[str, Tensor] = {}
        for step, module in zip(self._behind, self.steps, strict=True):
            gates, logits = _gates(step, state, len(inputs[0]))
            if logits is not None:
                inner[f"{INNER_LOGITS}{step.stage}"] = logits
            taken = [state[name] for name in step.takes]
            state |= named_output(module(*taken, gates), self._alone)
        return {name: state[name] for name in self._gives} | inner


def _gates(
    step: _Constant, state: Mapping[str, Tensor], batch: int
) -> tuple[Tensor, Tensor | None]:
    """The gates `[B, k]` of a constant route, and the router's logits, if there is one."""
    rule = graph_rule(step.rule)
    if rule is None:
        return next(iter(state.values())).new_ones((batch, len(step.route))), None
    logits = state[LOGITS]
    return rule.graph_gates(logits, partial(columns, experts=step.route)), logits


def _parts(
    count: int, constant: Mapping[int, Route], finishes: Sequence[Sequence[Route]]
) -> Iterator[_Part]:
    """The stem and every routed stage, each with the constant ones behind it.

    Behind a constant route on which images are finished there is nothing.
    """
    head = 0
    behind: list[tuple[int, Route]] = []
    for stage in range(1, count + 1):
        if stage not in constant:
            yield _Part(head, tuple(behind))
            head, behind = stage, []
            continue
        if constant[stage] in finishes[stage]:
            break
        behind.append((stage, constant[stage]))
    yield _Part(head, tuple(behind))


def _stages_in_words(count: int) -> str:
    """The routed stages that a model has."""
    if count < 2:
        return "the routed stage 1 alone" if count else "no router"
    return f"the routed stages 1 to {count}"


def _refuse(sentence: str) -> None:
    raise InputError(sentence, code="input.option", name="restrictions")
