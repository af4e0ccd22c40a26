"""mvmoe_deploy as a reader of the conformance cases of bundles."""

import json
from pathlib import Path

import msgspec
from bundles_suite import Plain, RefusedError
from page_bundles import summary
from page_manifest import manifest as fields

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import MvmoeError


class ReferenceReader:
    """The reader as it is."""

    def read(self, root: Path) -> Plain:
        """See `Reader`."""
        try:
            bundle = Bundle.open(root)
            bundle.verify()
        except MvmoeError as error:
            raise RefusedError(error.code) from error
        plain = json.loads(msgspec.json.encode(bundle.manifest))
        # What leaves out no default has nothing filled in.
        return summary(fields.filled(plain))

    def code(self, root: Path) -> str | None:
        """The code with which a bundle is refused, if it is."""
        try:
            self.read(root)
        except RefusedError as error:
            return error.code
        return None
