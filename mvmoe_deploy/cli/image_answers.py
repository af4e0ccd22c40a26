"""What `mvmoe run` says of images: the records that it prints, and how they come about."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mvmoe_deploy.errors import MvmoeError

if TYPE_CHECKING:
    from mvmoe_deploy.outputs import Table
    from mvmoe_deploy.runtime import Dispatcher
    from mvmoe_deploy.runtime.prediction import Prediction


class OutputValue(msgspec.Struct, frozen=True, kw_only=True):
    """What an output says of one image, in the form of its kind (docs/outputs.md)."""

    kind: str
    value: Any


class BestClass(msgspec.Struct, frozen=True, kw_only=True):
    """One of the best classes of an image."""

    label: str
    index: int
    probability: float


class ImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one image; of several routed stages `route` and `gates` have one item each.

    The label, its index and probability are None for a model that does not classify.
    """

    image: str
    label: str | None
    label_index: int | None
    probability: float | None
    route: tuple[Any, ...]
    gates: tuple[Any, ...]
    expected: str | None = None
    """The class of the folder that it lies in; None where folders say nothing of it."""
    top: tuple[BestClass, ...] = ()
    """The best classes, as many as were asked for; empty for a model that does not classify."""
    last_stage: str
    """The stage that ran last: an image may be finished early."""
    timings_ms: dict[str, float]
    outputs: dict[str, OutputValue]
    pictures: dict[str, str]
    """The file of each output that has a picture, where pictures were asked for."""


class NoImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An image without an answer, and why."""

    image: str
    error: str
    code: str
    fields: dict[str, object]


class AnsweredClass(msgspec.Struct, frozen=True, kw_only=True):
    """How often the images of one class were answered right."""

    label: str
    images: int
    right: int


class AnswerAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How right the answers are of images that lie in folders of their classes."""

    measure: str
    images: int
    """Those with an answer."""
    right: int
    accuracy: float
    top: int
    """Among how many of the best classes the right one was looked for, for `in_top`."""
    in_top: int
    classes: tuple[AnsweredClass, ...]


class ImageAnswers(msgspec.Struct, frozen=True):
    """One result for each image, in their order."""

    results: tuple[ImageAnswer | NoImageAnswer, ...]
    accuracy: AnswerAccuracy | None = None
    """None where no image lies in a folder of its class."""


def right_answers(
    results: Sequence[ImageAnswer | NoImageAnswer], top: int
) -> AnswerAccuracy | None:
    """The accuracy of results of which something is expected; None if of none."""
    known = [one for one in results if isinstance(one, ImageAnswer) and one.expected is not None]
    if not known:
        return None
    right = Counter(one.expected for one in known if one.label == one.expected)
    images = Counter(one.expected for one in known)
    in_top = sum(one.expected in {best.label for best in one.top} for one in known)
    return AnswerAccuracy(
        measure="top-1",
        images=len(known),
        right=right.total(),
        accuracy=right.total() / len(known),
        top=top,
        in_top=in_top,
        classes=tuple(
            AnsweredClass(label=str(label), images=count, right=right[label])
            for label, count in images.items()
        ),
    )


PictureFile = tuple[Path, Path]
"""Where a picture is written, and where it will be at the end."""

Details = tuple[str, "Table"]
"""A title, and what an output says of an image."""


def _ignore(text: str) -> None:
    """Tell nobody."""


def _best(prediction: "Prediction", count: int) -> tuple[BestClass, ...]:
    """The best classes of one image; of equal ones the lowest number first."""
    classes = prediction.class_output
    if classes is None:
        return ()
    # The order is that of the logits: in their shares two may have become equal.
    logits = prediction.logits.astype(np.float64)
    shares = np.exp(logits - logits.max())
    order = np.argsort(-logits, kind="stable")[:count].tolist()
    return tuple(
        BestClass(
            label=classes.label(index), index=index, probability=float(shares[index] / shares.sum())
        )
        for index in order
    )


class AnsweredImages:
    """Answers images one by one, and keeps what is shown of them."""

    def __init__(
        self,
        dispatcher: "Dispatcher",
        choices: Mapping[str, str],
        plugins: bool,
        *,
        top: int = 1,
        report: Callable[[str], None] = _ignore,
    ) -> None:
        """`top` is how many of the best classes are kept, `report` is told each image's error."""
        from mvmoe_deploy.outputs import find_kind

        self.dispatcher = dispatcher
        self.choices = choices
        self.top = top
        self.report = report
        self.outputs = [
            (output, find_kind(output.kind, plugins=plugins))
            for output in dispatcher.bundle.manifest.outputs
        ]
        self.results: list[ImageAnswer | NoImageAnswer] = []
        self.details: list[Details] = []
        self.exit_code = 0

    def answer(
        self,
        path: Path,
        expected: int | None = None,
        pictures: Callable[[str], "PictureFile"] | None = None,
    ) -> None:
        """Answer one image; `pictures` says where the picture of an output goes.

        `expected` is the class that it is known to be of.
        """
        try:
            prediction = self.dispatcher.predict(path, **self.choices)
        except MvmoeError as error:
            self.exit_code = max(self.exit_code, error.exit_code)
            self.report(str(error))
            self.results.append(
                NoImageAnswer(
                    image=str(path), error=str(error), code=error.code, fields=error.fields
                )
            )
            return
        written = {} if pictures is None else self._write_pictures(path, prediction, pictures)
        self.results.append(self._result(path, prediction, expected, written))
        self._keep_details(path, prediction)

    def _result(
        self,
        path: Path,
        prediction: "Prediction",
        expected: int | None,
        pictures: dict[str, str],
    ) -> ImageAnswer:
        """The result of one image."""
        from dataclasses import asdict

        several = len(self.dispatcher.bundle.manifest.rules) > 1
        classes = prediction.class_output
        classifies = classes is not None
        return ImageAnswer(
            image=str(path),
            expected=None if classes is None or expected is None else classes.label(expected),
            top=_best(prediction, self.top),
            label=prediction.label if classifies else None,
            label_index=prediction.label_index if classifies else None,
            probability=prediction.probability if classifies else None,
            route=prediction.routes if several else prediction.route,
            gates=prediction.stage_gates if several else prediction.gates,
            last_stage=prediction.last_stage,
            timings_ms=asdict(prediction.timings),
            outputs={
                output.name: OutputValue(
                    kind=kind.name,
                    value=kind.data(
                        prediction.outputs[output.name], output.labels, prediction.transform
                    ),
                )
                for output, kind in self.outputs
            },
            pictures=pictures,
        )

    def _keep_details(self, path: Path, prediction: "Prediction") -> None:
        """A table of each output, but for the classes: their best is in the row of the image."""
        classes = prediction.class_output
        for output, kind in self.outputs:
            if classes is None or output.name != classes.name:
                value = prediction.outputs[output.name]
                shown = kind.describe(value, output.labels, prediction.transform)
                self.details.append((f"{path}: {output.name} ({kind.name})", shown))

    def _write_pictures(
        self, path: Path, prediction: "Prediction", pictures: Callable[[str], "PictureFile"]
    ) -> dict[str, str]:
        """Write the pictures of one image; gives their files by output."""
        from mvmoe_deploy.cli.pictures import write_picture
        from mvmoe_deploy.preprocessing.decoding import open_image

        photograph, written = open_image(path), {}
        for output, kind in self.outputs:
            value = prediction.outputs[output.name]
            picture = kind.picture(value, output.labels, photograph, prediction.transform)
            if picture is not None:
                now, later = pictures(output.name)
                write_picture(picture, now)
                written[output.name] = str(later)
        return written
