"""Shares of the routes of a bundle, as `--distribution` gives them."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import RouteShare, Rule, UsagePrior, check_usage_prior
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import json_text, one_line

_MOST_ROUTES = 10_000
_MOST_LISTED = 1_000_000
"""Experts that the routes of all stages name together: each is an object in memory."""

_MOST_FILE_BYTES = 32 * 2**20
_LONGEST = 200

_HOW = (
    "give prior, uniform, shares such as 0=0.7,3=0.3 (0+2=0.5 for a route of two experts), or a "
    "JSON file in the form of the manifest's usage_prior"
)


def parse(text: str, manifest: Manifest) -> UsagePrior:
    """The distribution that `text` means for a bundle.

    Raises InputError for shares that do not sum to 1 within 1e-3, routes that the bundle does not
    have, a prior where the bundle has none, and text that means nothing.
    """
    if text == "uniform":
        return uniform(manifest.rules)
    if text == "prior":
        if manifest.usage_prior is None:
            raise InputError(
                f"the bundle of {manifest.model.name} has no usage prior; give --distribution "
                "uniform, or shares",
                code="input.option",
                name="distribution",
                given=text,
            )
        return manifest.usage_prior
    given = _of_file(Path(text)) if text.endswith(".json") else _of_shares(text)
    check_usage_prior(given, manifest.rules, "the distribution")
    return given


def default(manifest: Manifest) -> UsagePrior:
    """The usage prior, or equal shares where there is none."""
    return manifest.usage_prior or uniform(manifest.rules)


def uniform(rules: Sequence[Rule]) -> UsagePrior:
    """Equal shares for every route of every routed stage.

    Raises InputError for a stage with more than 10,000 routes (no graph is one of theirs), or for
    routes that name more than a million experts together.
    """
    stages: list[tuple[RouteShare, ...]] = []
    listed = 0
    for rule in rules:
        count = rule.count()
        listed += count * rule.longest
        if count > _MOST_ROUTES or listed > _MOST_LISTED:
            raise InputError(
                f"the bundle selects {rule.describe()}, more routes than equal shares can be given "
                "to; give --distribution with shares, or --images",
                code="input.option",
                name="distribution",
            )
        routes = list(rule.routes())
        stages.append(tuple(RouteShare(route, 1 / len(routes)) for route in routes))
    return tuple(stages)


def draw(distribution: UsagePrior, count: int, seed: int) -> list[Routes]:
    """`count` images' routes whose shares are as near to the distribution as whole numbers can be.

    The order is random, but fixed by `seed`. Stages are drawn apart from each other.
    """
    stages = []
    for number, stage in enumerate(distribution):
        counts = _whole_numbers(np.array([item.share for item in stage]), count)
        routes = [item.route for item, n in zip(stage, counts, strict=True) for _ in range(n)]
        order = np.random.default_rng((seed, number)).permutation(count)
        stages.append([routes[position] for position in order])
    return list(zip(*stages, strict=True))


def _whole_numbers(shares: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers that sum to `count`, by the largest remainder method (Hare's quota)."""
    exact = shares / shares.sum() * count
    counts: np.ndarray = np.floor(exact).astype(int)
    remainders = exact - counts
    for position in np.argsort(-remainders, kind="stable")[: count - counts.sum()]:
        counts[position] += 1
    return counts


def _of_shares(text: str) -> UsagePrior:
    """`0=0.7,3=0.3` as the distribution of one routed stage."""
    shares = []
    for item in text.split(","):
        route, found, share = item.partition("=")
        try:
            experts = tuple(sorted(int(expert) for expert in route.split("+")))
            value = float(share)
        except ValueError as error:
            raise InputError(
                f"the distribution {text!r} has {item!r}; {_HOW}",
                code="input.option",
                name="distribution",
                given=item,
            ) from error
        if not found or not 0 <= value <= 1:
            raise InputError(
                f"the distribution {text!r} has the share {share!r}; {_HOW}",
                code="input.option",
                name="distribution",
                given=share,
            )
        shares.append(RouteShare(experts, value))
    return (tuple(shares),)


def _read(path: Path) -> bytes:
    """The JSON text of a file; raises OSError, ValueError."""
    with path.open("rb") as file:
        data = file.read(_MOST_FILE_BYTES + 1)
    if len(data) > _MOST_FILE_BYTES:
        raise ValueError(f"it has more than {_MOST_FILE_BYTES:,} bytes")
    data = json_text(data)
    require_shallow(data)
    return data


def _of_file(path: Path) -> UsagePrior:
    """The distribution in a JSON file."""
    try:
        return msgspec.json.decode(_read(path), type=UsagePrior)
    except OSError as error:
        reason = error.strerror
        raise InputError(
            f"distribution {path} cannot be read ({reason}); {_HOW}",
            code="input.option",
            name="distribution",
            given=str(path),
        ) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = one_line(error, _LONGEST)
        raise InputError(
            f"distribution {path} is none: {reason}; {_HOW}",
            code="input.option",
            name="distribution",
            given=str(path),
        ) from error
