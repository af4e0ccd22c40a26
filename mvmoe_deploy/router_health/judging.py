"""The verdict on one router, with the figures that it rests on.

`docs/routing.md` gives the formulas and the reasons for the thresholds.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from mvmoe_deploy.router_health import health_advice
from mvmoe_deploy.router_health.binomial_intervals import (
    exact_intervals,
    images_to_exceed,
    images_to_fall_below,
)
from mvmoe_deploy.router_health.health_advice import ModelSource
from mvmoe_deploy.router_health.route_counts import RouteCounts
from mvmoe_deploy.router_health.stage_health import (
    ClassUse,
    ExpertUse,
    HealthThresholds,
    MarginSpread,
    OpenQuestion,
    RouterFinding,
    RouteUse,
    ShareOfImages,
    StageHealth,
    Verdict,
)

LEAST_IMAGES = 30
"""Fewer say nothing: the interval of a share of one half is wider than a third."""

COLLAPSED_SHARE = 0.99
"""Of images on one route, which its lower end has to reach."""

_UNUSED = 0.1
"""Of an even share of 1 / E, below which the upper end of an expert's share has to be."""

_EVEN = 0.5
"""Of the experts E, which the effective number of experts has to reach."""

_NEAR = 0.01
"""Of the largest logit: what the bounds of fp16 allow a router's logits to be off by."""

_SEVERITY: tuple[Verdict | None, ...] = (
    "collapsed",
    "unused-experts",
    "imbalanced",
    None,
    "healthy",
)
"""The worst first; None is a stage of which these images are too few to say."""

_MOST_NAMED = 12
"""Experts in a sentence."""


def thresholds_of(experts: int) -> HealthThresholds:
    """The thresholds for a stage of `experts` experts."""
    return HealthThresholds(
        least_images=LEAST_IMAGES,
        collapsed_share=COLLAPSED_SHARE,
        unused_share=_UNUSED / experts,
        effective_experts=_EVEN * experts,
    )


def judge(
    counts: RouteCounts, model: ModelSource | None = None, margin: MarginSpread | None = None
) -> StageHealth:
    """The figures of one stage and its verdict; raises MissingExtraError without SciPy.

    `model` names the model in what to do. Renaming experts renames them in the result, and changes
    nothing else.
    """
    thresholds = thresholds_of(len(counts.usable))
    routes, experts = _route_uses(counts), _expert_uses(counts)
    undecided = _undecided(counts)
    reason = undecided or _too_few(counts)
    findings: list[RouterFinding] = []
    questions: list[OpenQuestion] = []
    if reason is None:
        model = model or ModelSource()
        for found in (
            _collapsed(counts, routes[0], thresholds, model),
            _unused(counts, routes[0], experts, thresholds, model),
            _imbalanced(counts, experts, thresholds),
        ):
            if isinstance(found, RouterFinding):
                findings.append(found)
            elif found is not None:
                questions.append(found)
        if questions and not findings:
            reason = "too few images: " + "; ".join(each.sentence for each in questions)
    verdict: Verdict | None = findings[0].verdict if findings else "healthy"
    expert_entropy, route_entropy = entropy(counts.used), entropy(list(counts.routes.values()))
    return StageHealth(
        stage=counts.stage,
        rule=counts.rule,
        experts=len(counts.usable),
        images=counts.reached,
        images_before=counts.images,
        decides=undecided is None,
        verdict=verdict if reason is None else None,
        reason=reason,
        findings=findings,
        open_questions=questions,
        thresholds=thresholds,
        routes=routes,
        routes_possible=counts.possible,
        experts_used=experts,
        unused=[use.expert for use in experts if not use.images],
        expert_entropy=expert_entropy,
        effective_experts=_effective(expert_entropy),
        route_entropy=route_entropy,
        effective_routes=_effective(route_entropy),
        margin=margin,
        classes=_class_uses(counts),
    )


def worst_verdict(stages: Iterable[StageHealth]) -> Verdict | None:
    """The worst verdict of the stages at which a router decides.

    None if there is none, or if images are too few for one stage and nothing is wrong with the
    others.
    """
    found = (stage.verdict for stage in stages if stage.decides)
    return min(found, key=_SEVERITY.index, default=None)


def is_worse(verdict: Verdict | None, than: Verdict) -> bool:
    """Whether a verdict is worse than another; no verdict is worse than `healthy` alone."""
    return _SEVERITY.index(verdict) < _SEVERITY.index(than)


def entropy(counts: Sequence[int] | np.ndarray) -> float | None:
    """The entropy in nats of counts made to sum to 1: -sum p log p; None of nothing.

    C. E. Shannon, 1948. Its exponential is the effective number: as many equal shares have the
    same entropy (M. O. Hill, *Diversity and evenness*, Ecology 54, 1973).
    """
    found = np.asarray(counts, np.float64)
    found = np.sort(found[found > 0])  # The same sum whatever the order.
    if not len(found):
        return None
    shares = found / found.sum()
    return max(0.0, float(-(shares * np.log(shares)).sum()))


def margin_spread(margins: np.ndarray, logits: np.ndarray) -> MarginSpread | None:
    """How near ties images are, by their margins `[n]` and logits `[n, E]`.

    None where no logit could change a route.
    """
    finite = margins[np.isfinite(margins)]
    if not len(finite):
        return None
    limit = 2 * _NEAR * float(np.abs(logits).max(initial=0.0))
    points = np.percentile(finite, [0, 5, 50, 95, 100]).tolist()
    near = share_of_images(int((finite <= limit).sum()), len(finite))
    low, p05, p50, p95, high = points
    return MarginSpread(
        min=low, p05=p05, p50=p50, p95=p95, max=high, near_tie_limit=limit, near_ties=near
    )


def share_of_images(count: int, images: int) -> ShareOfImages:
    """A share with its interval, of at least one image."""
    low, high = exact_intervals(np.array(count), images)
    return ShareOfImages(images=count, share=count / images, low=float(low), high=float(high))


def shown_share(use: ShareOfImages) -> str:
    """A share with its interval in per cent: `99.8% (99.2 to 100.0)`."""
    return f"{_percent(use.share)}% ({_percent(use.low)} to {_percent(use.high)})"


def _percent(share: float) -> str:
    """Per cent with one digit; more where that would say none or all of what is neither."""
    for digits in range(1, 6):
        text = f"{100 * share:.{digits}f}"
        if share in (0, 1) or 0 < float(text) < 100:
            return text
    return text


def _undecided(counts: RouteCounts) -> str | None:
    """Why no router decides between routes; None if one does."""
    if not counts.routed:
        return f"no router decides: {counts.rule}"
    one_way = len(counts.routes) == 1 and len(next(iter(counts.routes))) == len(counts.usable)
    if counts.possible == 1 or (counts.possible is None and one_way):
        return f"there is one route alone ({counts.rule}): nothing is decided"
    return None


def _too_few(counts: RouteCounts) -> str | None:
    """Why there are too few images for any verdict; None if there are enough."""
    if counts.reached >= LEAST_IMAGES:
        return None
    reach = "reaches" if counts.reached == 1 else "reach"
    return (
        f"{counts.reached} of {counts.images} images {reach} the stage; a verdict needs "
        f"{LEAST_IMAGES}"
    )


def _route_uses(counts: RouteCounts) -> list[RouteUse]:
    """Routes that images take, the most used first."""
    ordered = sorted(counts.routes.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        return []
    low, high = exact_intervals(np.array([n for _, n in ordered]), counts.reached)
    return [
        RouteUse(route=route, images=n, share=n / counts.reached, low=float(a), high=float(b))
        for (route, n), a, b in zip(ordered, low, high, strict=True)
    ]


def _expert_uses(counts: RouteCounts) -> list[ExpertUse]:
    """All experts that can be selected; none where no image reached the stage."""
    if not counts.reached:
        return []
    usable = list(counts.usable)
    used = counts.used[usable]
    low, high = exact_intervals(used, counts.reached)
    return [
        ExpertUse(
            expert=e, images=int(n), share=int(n) / counts.reached, low=float(a), high=float(b)
        )
        for e, n, a, b in zip(usable, used, low, high, strict=True)
    ]


def _class_uses(counts: RouteCounts) -> list[ClassUse]:
    """The classes of the images, in order of name."""
    return [
        ClassUse(name=name, images=counts.class_images[name], experts=[int(n) for n in used])
        for name, used in counts.classes.items()
    ]


def _collapsed(
    counts: RouteCounts, top: RouteUse, thresholds: HealthThresholds, model: ModelSource
) -> RouterFinding | OpenQuestion | None:
    """One route has nearly all images."""
    bound = thresholds.collapsed_share
    if top.share < bound:
        return None
    words = _plural(len(top.route), "expert", top.route)
    if top.low < bound:
        needed = images_to_exceed(top.share, bound)
        return OpenQuestion(
            verdict="collapsed",
            sentence=f"{top.images} of {counts.reached} images take the route to {words}; "
            f"{_takes(needed)} to call that collapsed",
            images_needed=needed,
        )
    return RouterFinding(
        verdict="collapsed",
        sentence=f"{shown_share(top)} of the images go to {words}",
        experts=list(top.route),
        value=top.low,
        threshold=bound,
        advice=health_advice.for_collapsed(counts.stage, top.route, model),
    )


def _unused(
    counts: RouteCounts,
    top: RouteUse,
    experts: list[ExpertUse],
    thresholds: HealthThresholds,
    model: ModelSource,
) -> RouterFinding | OpenQuestion | None:
    """Experts that hardly any image uses."""
    bound = thresholds.unused_share
    unused = [use for use in experts if use.high < bound]
    if unused:
        names = [use.expert for use in unused]
        kept = [use.expert for use in experts if use.high >= bound]
        worst = max(use.high for use in unused)
        advice = health_advice.for_unused(counts.stage, kept, model)
        if top.low < thresholds.collapsed_share <= top.share:
            # More images might show a collapse: what to do then is as good here.
            advice = [*health_advice.for_collapsed(counts.stage, top.route, model)[:1], *advice]
        return RouterFinding(
            verdict="unused-experts",
            sentence=f"{_plural(len(names), 'expert', names)} "
            f"{'is' if len(names) == 1 else 'are each'} used by at most {_percent(worst)}% of the "
            "images",
            experts=names,
            value=worst,
            threshold=bound,
            advice=advice,
        )
    rare = [use for use in experts if use.share < bound]
    if not rare:
        return None
    needed = max(
        (images_to_fall_below(use.share, bound) for use in rare),
        key=lambda images: math.inf if images is None else images,
    )
    return OpenQuestion(
        verdict="unused-experts",
        sentence=f"{_few(max(use.images for use in rare), counts.reached)} "
        f"{_plural(len(rare), 'expert', [use.expert for use in rare])}; {_takes(needed)} to call "
        + ("it unused" if len(rare) == 1 else "them unused"),
        images_needed=needed,
    )


def _imbalanced(
    counts: RouteCounts, experts: list[ExpertUse], thresholds: HealthThresholds
) -> RouterFinding | None:
    """Images share few of the experts."""
    found, bound = _effective(entropy(counts.used)), thresholds.effective_experts
    # What is exactly at the threshold is not below it for want of a last bit.
    if found is None or found >= bound * (1 - 1e-12):
        return None
    busy = sorted(experts, key=lambda use: (-use.images, use.expert))[: max(1, round(found))]
    return RouterFinding(
        verdict="imbalanced",
        sentence=f"the images use {len(experts)} experts as unevenly as if there were {found:.2f}",
        experts=sorted(use.expert for use in busy),
        value=found,
        threshold=bound,
        advice=health_advice.for_imbalanced(sorted(use.expert for use in busy)),
    )


def _effective(found: float | None) -> float | None:
    return None if found is None else math.exp(found)


def _few(images: int, of: int) -> str:
    """How many images use some experts."""
    return f"none of {of} images uses" if not images else f"at most {images} of {of} images use"


def _takes(images: int | None) -> str:
    """How many images it would take."""
    return "no number of images is enough" if images is None else f"it takes {images:,} images"


def _plural(count: int, noun: str, experts: Sequence[int]) -> str:
    """`expert 3`, `experts 0 and 3`; of many the first."""
    names = [str(expert) for expert in experts[:_MOST_NAMED]]
    if count > _MOST_NAMED:
        return f"{noun}s {', '.join(names)} and {count - _MOST_NAMED} more"
    if count == 1:
        return f"{noun} {names[0]}"
    return f"{noun}s {', '.join(names[:-1])} and {names[-1]}"
