"""How many images keep what they had before the routing of their model was restricted.

`mvmoe export --constant-route` and `--keep-experts` change the model on purpose, so a bundle is
compared with the model that is restricted in the same way. What the restriction itself costs is
counted here, on real images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.bundle.manifest import Output, Restriction
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing.contract import members_of
from mvmoe_deploy.verification.run_stages import Vectors


@dataclass(frozen=True)
class KeptAnswers:
    """Counts of images."""

    images: int
    routes: int
    """Those whose own routes are left: they keep their answers by construction."""
    answers: int | None
    """Those that decide the same in every output; None where no output decides anything."""

    @property
    def sentence(self) -> str:
        """For people."""
        kept = f"{self.routes / self.images:.1%} of {self.images} images keep their routes"
        if self.answers is None:
            return f"restricted routing: {kept}"
        return f"restricted routing: {kept}, {self.answers / self.images:.1%} their answers"


def kept_answers(
    restrictions: Sequence[Restriction],
    outputs: Sequence[Output],
    before: Vectors,
    after: Vectors,
) -> KeptAnswers:
    """Compare what the model itself gives for images with what the restricted one gives.

    Both by the names of the golden vectors; `before` has the stages of the model itself.
    """
    count = len(before["image"])
    routes = np.ones(count, bool)
    for restriction in restrictions:
        members = before[f"members.{restriction.stage}"]
        if restriction.route is not None:
            wanted = members_of([restriction.route], members.shape[1])
            # An image that was finished before the stage has no route there to keep.
            routes &= (members == wanted).all(axis=1) | ~members.any(axis=1)
        elif restriction.kept is not None:
            dropped = ~members_of([restriction.kept], members.shape[1])[0]
            routes &= ~members[:, dropped].any(axis=1)
    answers, decided = np.ones(count, bool), False
    for output in outputs:
        kind, name = find_kind(output.kind), f"outputs.{output.name}"
        found = kind.agreement(after[name], before[name])
        if found is not None:
            decided = True
            answers &= found.agreement >= 1
    return KeptAnswers(count, int(routes.sum()), int(answers.sum()) if decided else None)
