"""Dispatchers that are wrong in one thing each between two graphs, as ports tend to be."""

import numpy as np
from page_answers import PageDispatcher


class GatesOfOne(PageDispatcher):
    def run(self, graph, tensors):
        gates = {name: np.ones_like(array) for name, array in tensors.items() if name == "gates"}
        return super().run(graph, {**tensors, **gates})


class GatesInTheOtherOrder(PageDispatcher):
    def run_stage(self, index, rule, route, gates, taken):
        return super().run_stage(index, rule, route, gates[::-1], taken)


class NextRoute(PageDispatcher):
    """The graph beside the right one."""

    def graph(self, stage, route):
        right = super().graph(stage, route)
        others = [graph for graph in self.target["graphs"] if graph["stage"] == stage]
        others = [graph for graph in others if (graph["route"] is None) == (route is None)]
        return others[(others.index(right) + 1) % len(others)]


class SlotsInTheOtherOrder(PageDispatcher):
    def run(self, graph, tensors):
        slots = {name: array for name, array in tensors.items() if name.startswith("slot")}
        swapped = {f"slot{1 - int(name[4])}{name[5:]}": array for name, array in slots.items()}
        return super().run(graph, {**tensors, **swapped})


class FirstExpertInEverySlot(PageDispatcher):
    def run(self, graph, tensors):
        first = {name: tensors[f"slot0{name[5:]}"] for name in tensors if name.startswith("slot")}
        return super().run(graph, {**tensors, **first})


class WeightsInTheOtherOrder(PageDispatcher):
    def weights(self, stage, bound, route):
        return super().weights(stage, bound, route[::-1])


class WeightsOfTheFirstExperts(PageDispatcher):
    """Those of the experts after which the graph is named."""

    def weights(self, stage, bound, route):
        return super().weights(stage, bound, list(range(len(route))))


class WeightsOfTheRouteBefore(PageDispatcher):
    """What was bound once stays."""

    def weights(self, stage, bound, route):
        self.kept = getattr(self, "kept", None) or super().weights(stage, bound, route)
        return self.kept


class LowestExperts(PageDispatcher):
    def __init__(self, root):
        super().__init__(root)
        select = self.routing.select
        self.routing.select = lambda rule, logits: select(rule, [-logit for logit in logits])


class ImageOfTheCallBefore(PageDispatcher):
    def answer(self, image):
        before, self.before = getattr(self, "before", image * 0), image
        return super().answer(before)


class RouterOfTheFirstStage(PageDispatcher):
    """Every stage is routed by the logits that the first one is."""

    def __init__(self, root):
        super().__init__(root)
        _, first, *others = self.manifest["stages"]
        for stage in others:
            stage["router"] = first["router"]


class TensorsOfTheStem(PageDispatcher):
    """Every stage takes what the stem gives."""

    def __init__(self, root):
        super().__init__(root)
        _, first, *others = self.manifest["stages"]
        for stage in others:
            stage["takes"] = first["takes"]


class SteeringLeftOver(PageDispatcher):
    """What steers a graph with its routers inside is not zero."""

    def run(self, graph, tensors):
        if "steering" in tensors:
            tensors = {**tensors, "steering": tensors["steering"] + np.arange(6, dtype=np.float32)}
        return super().run(graph, tensors)


class RoutersInTheOtherOrder(PageDispatcher):
    """The logits of the last router first."""

    def run(self, graph, tensors):
        given = super().run(graph, tensors)
        if "router_logits" in given:
            given["router_logits"] = np.roll(given["router_logits"], 3, axis=1)
        return given


WRONG = {
    SteeringLeftOver: {"in_graph"},
    RoutersInTheOtherOrder: {"in_graph"},
    GatesOfOne: {"dispatch", "experts", "bind", "two_stages"},
    GatesInTheOtherOrder: {"experts", "bind", "two_stages"},
    NextRoute: {"dispatch", "experts", "two_stages"},
    RouterOfTheFirstStage: {"two_stages"},
    TensorsOfTheStem: {"two_stages"},
    SlotsInTheOtherOrder: {"experts"},
    FirstExpertInEverySlot: {"experts"},
    WeightsInTheOtherOrder: {"bind"},
    WeightsOfTheFirstExperts: {"bind"},
    WeightsOfTheRouteBefore: {"bind"},
    LowestExperts: {"dispatch", "experts", "bind", "two_stages"},
    ImageOfTheCallBefore: {"dispatch", "experts", "bind", "two_stages"},
}
"""Each with the bundles that must show it."""
