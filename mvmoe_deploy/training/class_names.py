"""Names of classes that files and folders give: they become labels that users see."""

import re

_NO_LABEL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and what stands for bytes of a file name that are no text."""


def is_label(name: str) -> bool:
    """Whether a name can be a label of a checkpoint and a bundle."""
    return bool(name) and not _NO_LABEL.search(name)
