#!/usr/bin/env python3
"""Lists the public API of Swift modules, from the symbol graphs that the compiler writes.

A listing is the module's declarations without their bodies, sorted, so that a change of the API is
a change of a file. Whatever is public has a comment, its own or one of a protocol that it conforms
to: what has none is named.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INDENT = "  "
UNSAID = frozenset({"Swift.Copyable", "Swift.Escapable", "Swift.BitwiseCopyable"})
"""What the compiler says of a type by itself, and not every version of it."""
CONTAINED = ("memberOf", "requirementOf", "defaultImplementationOf")
"""Relationships that put a symbol into another one, or into an extension of it."""
CONFORMS = ("conformsTo", "inheritsFrom")
PROTOCOL = "swift.protocol"


@dataclass
class Symbol:
    """A public declaration, with what is declared within it."""

    path: tuple[str, ...]
    """Its name, after those of the types that it is in."""
    declaration: str
    is_documented: bool
    conformances: list[str] = field(default_factory=list)
    members: list["Symbol"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in Swift: `Outer.Inner`."""
        return ".".join(self.path)

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The declaration, and indented what is within it."""
        kinds = f": {', '.join(sorted(set(self.conformances)))}" if self.conformances else ""
        yield f"{INDENT * depth}{self.declaration}{kinds}"
        for member in sorted(self.members, key=lambda symbol: symbol.declaration):
            yield from member.lines(depth + 1)

    def undocumented(self) -> Iterator[str]:
        """The names of what has no comment."""
        if not self.is_documented:
            yield self.name
        for member in self.members:
            yield from member.undocumented()


def read_module(folder: Path, module: str) -> list[Symbol]:
    """The top-level symbols of a module, those in extensions of other modules' types included.

    Raises FileNotFoundError where the compiler has not written the graph.
    """
    own = folder / module / f"{module}.symbols.json"
    files = [own, *sorted(own.parent.glob(f"{module}@*.symbols.json"))]
    return [symbol for file in files for symbol in _read_graph(json.loads(file.read_text()))]


def _read_graph(graph: Mapping[str, Any]) -> list[Symbol]:
    entries = {entry["identifier"]["precise"]: entry for entry in graph["symbols"]}
    symbols = {name: _symbol(entry) for name, entry in entries.items()}
    extensions: dict[str, Symbol] = {}
    contained = set()
    for relation in graph["relationships"]:
        source, target = relation["source"], relation["target"]
        if source not in symbols:
            continue
        if relation["kind"] in CONTAINED and source not in contained:
            own = target in symbols and not _is_of_extension(
                entries[source], entries[target], relation
            )
            holder = symbols[target] if own else _extension(extensions, entries[source])
            holder.members.append(symbols[source])
            contained.add(source)
        elif relation["kind"] in CONFORMS:
            name = symbols[target].name if target in symbols else relation["targetFallback"]
            # A protocol's declaration says so itself.
            if name not in UNSAID and entries[source]["kind"]["identifier"] != PROTOCOL:
                # Of another module's type the name begins with the module's.
                own_name = name if target in symbols else name.split(".", 1)[-1]
                symbols[source].conformances.append(own_name)
    top = [symbol for name, symbol in symbols.items() if name not in contained]
    return [*top, *extensions.values()]


def _symbol(entry: Mapping[str, Any]) -> Symbol:
    declaration = "".join(part["spelling"] for part in entry["declarationFragments"])
    return Symbol(
        tuple(entry["pathComponents"]),
        " ".join(declaration.split()),
        is_documented=bool(entry.get("docComment", {}).get("lines")),
    )


def _is_of_extension(
    entry: Mapping[str, Any], holder: Mapping[str, Any], relation: Mapping[str, Any]
) -> bool:
    """Whether a protocol has a member without asking for it, or a type has it on conditions."""
    if relation["kind"] == "defaultImplementationOf":
        return True
    if holder["kind"]["identifier"] == PROTOCOL:
        return bool(relation["kind"] == "memberOf")
    return bool(entry.get("swiftExtension", {}).get("constraints"))


def _extension(extensions: dict[str, Symbol], entry: Mapping[str, Any]) -> Symbol:
    """The extension that a symbol is declared in."""
    path = tuple(entry["pathComponents"][:-1])
    words = {"conformance": ":", "superclass": ":", "sameType": "=="}
    conditions = [
        f"{one['lhs']} {words[one['kind']]} {one['rhs']}"
        for one in entry.get("swiftExtension", {}).get("constraints", ())
    ]
    name = f"extension {'.'.join(path)}" + (f" where {', '.join(conditions)}" if conditions else "")
    return extensions.setdefault(name, Symbol(path, name, is_documented=True))


def listing(module: str, symbols: Sequence[Symbol]) -> str:
    """The text of a module's listing."""
    blocks = sorted("\n".join(symbol.lines()) for symbol in symbols)
    head = f"// What {module} makes public, as it is built on Linux; `make swift-api` writes it."
    return "\n\n".join([head, *blocks]) + "\n"


def difference(path: Path, wanted: str) -> list[str]:
    """What a listing in a file lacks or has too much; nothing if it is as wanted."""
    found = path.read_text() if path.is_file() else ""
    names = (str(path), "the sources")
    return list(
        difflib.unified_diff(found.splitlines(), wanted.splitlines(), *names, lineterm="", n=0)
    )


def check(graphs: Path, listings: Path, modules: Sequence[str], *, write: bool) -> list[str]:
    """What is wrong with the listings and comments of modules, in lines for people."""
    faults = []
    for module in modules:
        symbols = read_module(graphs, module)
        bare = sorted(name for symbol in symbols for name in symbol.undocumented())
        faults += [f"{module}: {name} is public and has no comment" for name in bare]
        path, text = listings / f"{module}.txt", listing(module, symbols)
        if write:
            listings.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif changed := difference(path, text):
            advice = f"{path} is not the public API of {module}; `make swift-api` writes it"
            faults += [*changed, advice]
    return faults


def main(words: Sequence[str]) -> int:
    """Check, or with `--write` write, the listings of modules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", type=Path, help="symbol graphs, in a folder a module")
    parser.add_argument("listings", type=Path, help="folder with the listings")
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--write", action="store_true", help="write the listings")
    given = parser.parse_args(words)
    faults = check(given.graphs, given.listings, given.modules, write=given.write)
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
