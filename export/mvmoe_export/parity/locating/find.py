"""From a figure beyond its bound to the first operator whose output leaves it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import MvmoeError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.verification.faults import FaultLocation, SearchedTarget, ShownBy
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.parity.locating.graph_values import graph_values, working_operators
from mvmoe_export.parity.locating.graphs_in_turn import GraphCall, GraphsInTurn
from mvmoe_export.parity.locating.matching import Matching, TappedValues
from mvmoe_export.parity.locating.output_limits import OutputDistance, output_errors
from mvmoe_export.parity.locating.reference_values import reference_values
from mvmoe_export.programs import make_program
from mvmoe_export.source_location import layer_in_model, nearest_weight
from mvmoe_export.stages import Stages, StageSpec, make_stages
from mvmoe_export.targets import find_tap


def find_fault(model: RoutedModel, target: SearchedTarget, shown: ShownBy) -> FaultLocation | None:
    """The first graph of a target that differs from the model's, and the first operator in it.

    None if every graph alone is within its bound, or cannot be asked alone: the figure beyond its
    bound is what has to be told then.
    """
    record = target.record
    with suppress(MvmoeError):
        stages = make_stages(
            model,
            record.strategy,
            record.batch,
            max_graphs=len(record.graphs),
            routers=record.routers,
        )
        return FaultSearch(stages, target).on_the_way(shown)
    return None


class FaultSearch:
    """Looks for the operators of one target that are at fault.

    None is found where every graph alone is within its bound, or cannot be asked alone.
    """

    def __init__(self, stages: Stages, target: SearchedTarget) -> None:
        self._stages = stages
        self._target = target
        self._record = target.record
        weights = StoredWeights(target.root, target.record)
        self._graphs = GraphsInTurn(stages, target.record, weights)

    def on_the_way(self, shown: ShownBy) -> FaultLocation | None:
        """The first fault that an image meets."""
        return self._first(self._graphs.on_the_way(shown))

    def in_stage(
        self, stage: StageSpec, route: Route, tensors: Mapping[str, Tensor], gates: Tensor
    ) -> FaultLocation | None:
        """The first fault in the graphs that serve a route of a stage, for some tensors."""
        return self._first(self._graphs.in_stage(stage, route, tensors, gates))

    def _first(self, calls: Iterable[GraphCall]) -> FaultLocation | None:
        """The fault of the first graph that has one."""
        with torch.no_grad(), suppress(MvmoeError):
            runner = self._target.open_runner(self._target.root, self._record)
            for call in calls:
                given = call.given(runner)
                errors = output_errors(self._stages, self._target.bounds, call, given)
                if any(error.is_beyond for error in errors.values()):
                    return self._fault(call, given, errors)
        return None

    def _fault(
        self,
        call: GraphCall,
        given: Mapping[str, np.ndarray],
        errors: Mapping[str, OutputDistance],
    ) -> FaultLocation:
        """What is known of a graph that differs."""
        worst = max(errors.values(), key=lambda error: error.error / error.bound)
        fault = FaultLocation(
            stage=call.stage.index,
            route=call.route,
            graph=call.record.name,
            error=worst.error,
            bound=worst.bound,
        )
        astray = [name for name, error in errors.items() if error.is_beyond]
        try:
            target = self._target
            tap = find_tap(self._record, target.root, call.record, plugins=target.plugins)
            if tap is None:
                what = f"graphs of the format {self._record.format} cannot be looked into"
                return replace(fault, reason=what)
            return self._operator(fault, call, given, astray, tap)
        except MvmoeError as failed:
            return replace(fault, reason=f"its operators cannot be looked at: {failed}")

    def _operator(
        self,
        fault: FaultLocation,
        call: GraphCall,
        given: Mapping[str, np.ndarray],
        astray: Iterable[str],
        tap: GraphTap,
    ) -> FaultLocation:
        """The fault with the operator where it begins."""
        spec, module = call.spec, call.module
        program = make_program(spec.name, module, spec.inputs, self._record.rewrites)
        reference = reference_values(program.exported, call.tensors)
        values = graph_values(tap, self._record, call.inputs, self._target.open_runner)
        outputs = {tap.outputs[name]: given[name] for name in spec.outputs}
        lost = frozenset(tap.outputs[name] for name in astray)
        tapped = TappedValues(working_operators(tap), values, outputs, lost)
        least = min(self._target.bounds.answer_error, fault.bound)
        bounds = msgspec.structs.replace(self._target.bounds, answer_error=least)
        found = Matching(reference, tapped, bounds).first_astray()
        if found is None:
            return replace(fault, reason="none of its operators alone is beyond its bound")
        engine = found.operator
        error = found.error if np.isfinite(found.error) else fault.error
        return replace(
            fault,
            error=error,
            bound=found.bound,
            operator=str(found.node.target),
            node=found.node.name,
            layer=self._layer(module, nearest_weight(program.exported, found.node.name)),
            engine_operator=engine.kind if engine else None,
            engine_value=engine.gives[0] if engine else None,
        )

    def _layer(self, module: nn.Module, weight: str | None) -> str | None:
        """The model's layer of a weight of a stage's module; that of the module if it is a copy."""
        if weight is None:
            return None
        tensors = dict((*module.named_parameters(), *module.named_buffers()))
        model = self._stages.model
        found = None
        if weight in tensors and isinstance(model, nn.Module):
            found = layer_in_model(model, tensors[weight])
        return found or weight.rpartition(".")[0]
