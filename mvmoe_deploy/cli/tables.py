"""Tables, and numbers and routes as people read them."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def table(*columns: str, right: Container[int] = ()) -> "Table":
    """An empty table; the columns in `right` hold numbers."""
    from rich.table import Table

    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(columns):
        rows.add_column(column, justify="right" if position in right else "left", overflow="fold")
    return rows


def percent(share: float | None) -> str:
    """A share between 0 and 1; `-` where there is none."""
    return "-" if share is None else f"{share:.2%}"


def points(share: float) -> str:
    """A difference of two shares in points of a hundred, never as -0.00."""
    return f"{round(100 * share, 2) + 0.0:.2f}"


def loss_text(loss: float, least: float, most: float) -> str:
    """A loss of accuracy with its interval, from shares."""
    interval = f"95% interval {points(least)} to {points(most)}"
    return f"a loss of {points(loss)} points ({interval})"


def accuracy_text(
    target: float, reference: float, least: float, most: float, measure: str = "accuracy"
) -> str:
    """The accuracies of a target and of PyTorch in some measure, and what is lost."""
    lost = loss_text(reference - target, least, most)
    return f"{measure}: {percent(target)}, PyTorch {percent(reference)}: {lost}"


def scientific(number: float | None) -> str:
    """A number with its power of ten; JSON has no number for what is not finite."""
    return "not finite" if number is None else f"{number:.1e}"


def size(count: int) -> str:
    """Bytes in kB or MB, powers of ten."""
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def route_text(route: Sequence[Any] | None) -> str:
    """A route as `3` or `2+7`; of several stages `3 > 2+7`; `-` where nothing is routed."""
    if not route:
        return "-"
    if isinstance(route[0], list | tuple):
        return " > ".join(map(route_text, route))
    return "+".join(map(str, route))


def model_line(params_total: int, params_active: int, macs: int) -> str:
    """What a model has and needs."""
    return (
        f"{params_total / 1e6:.3f} M parameters, {params_active / 1e6:.3f} M "
        f"active an image, {macs / 1e6:.1f} M multiply-accumulates"
    )
