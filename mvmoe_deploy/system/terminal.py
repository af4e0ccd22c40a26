"""A terminal that shows what others wrote and obeys none of it."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mvmoe_deploy.text import escaped


class SafeConsole(Console):
    """A console that writes as an escape whatever a terminal would obey in the texts it is given.

    What it shows was written by others too: labels, file names, lines of results.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of a renderable, their texts escaped; its own controls stay."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text="\n".join(map(escaped, segment.text.split("\n"))))
