"""A rule that is not shipped, for tests of what other distributions bring."""

from typing import ClassVar

from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.top_p import TopP


class BestShare(TopP, frozen=True, tag="best_share"):
    """As `top_p`, under a name of its own."""

    name: ClassVar[str] = "best_share"


PART: type[Rule] = BestShare
