"""A hook of MkDocs: links from a page to files outside of docs/ go to the repository.

On GitHub they are relative and work as they are; the site has no such files. A link to a file that
does not exist stays as it is, so that the strict build names it. What the site has of docs/
without a page of its own (examples, schemas) is linked there too.
"""

import os
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(\]\()((?!https?:|#|mailto:)[^)\s#]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page with its links to the rest of the repository made absolute."""
    docs = Path(config.docs_dir).resolve()
    root = Path(config.config_file_path).resolve().parent
    folder = (docs / page.file.src_uri).parent
    home = config.extra["repository"]

    def absolute(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[2]))
        outside = not target.is_relative_to(docs) or target.is_relative_to(docs / "examples")
        if not (outside and target.is_relative_to(root) and target.exists()):
            return link[0]
        kind = "tree" if target.is_dir() else "blob"
        return f"{link[1]}{home}/{kind}/main/{target.relative_to(root)}{link[3]}"

    parts: list[str] = []
    end = 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(absolute, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(absolute, markdown[end:])])
