"""Importing matplotlib without the caches that it and fontconfig would leave in a user's home.

It looks for the fonts of the system when it is imported, which takes a tenth of a second, and
keeps what it found below the user's cache directory; the pictures here use its own font.
"""

import importlib
import os
import sys

from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.system.temporary import environment, temporary_directory

_NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig/>'
_FONTS = "matplotlib.font_manager"


def prepare_matplotlib(what: str, extra: str) -> None:
    """Import matplotlib, so that other imports of its parts write nothing.

    A directory that the user set in `MPLCONFIGDIR` is used as ever. Raises MissingExtraError for
    `what` with the pip command of `extra` if it is not installed.
    """
    if _FONTS in sys.modules:
        return
    with temporary_directory() as folder:
        (folder / "fonts.conf").write_text(_NO_FONTS)
        ours = {"MPLCONFIGDIR": str(folder), "FONTCONFIG_FILE": str(folder / "fonts.conf")}
        with environment({name: ours[name] for name in ours.keys() - os.environ.keys()}):
            try:
                importlib.import_module(_FONTS)
            except ImportError as error:
                raise MissingExtraError.from_import(error, what, extra) from error
