"""The closed list of error codes: what each means, and what to do.

The list is the same in every language. `docs/errors.md` is written from it:
`python -m mvmoe_deploy.error_codes > docs/errors.md`. A code is raised with
`raise BundleError("...", code="bundle.hash-mismatch", file=...)`, or made
from a `Fault("bundle.hash-mismatch", file=...)`; the general code of an error's
class stands for what no program needs to tell apart.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ErrorCode(NamedTuple):
    """A kind of failure that a program may branch on."""

    meaning: str
    remedy: str
    fields: tuple[str, ...] = ()
    """Names of the fields that such an error may have."""


CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        # The bundle.
        "bundle.invalid": ErrorCode(
            "The bundle cannot be used, for a reason without a code of its own.",
            "Read the message; export the bundle again.",
            ("file", "name"),
        ),
        "bundle.missing": ErrorCode(
            "There is no bundle at the path.",
            "Give the directory that mvmoe export has written.",
            ("bundle",),
        ),
        "bundle.unsupported-version": ErrorCode(
            "The manifest is of another format or version than this release reads.",
            "Export the bundle again with this release, or read it with the release that wrote it.",
            ("format", "version"),
        ),
        "bundle.manifest-invalid": ErrorCode(
            "The manifest does not follow its schema, for a reason without a code of its own.",
            "Fetch the bundle again; a manifest is not edited by hand.",
        ),
        "bundle.manifest-not-json": ErrorCode(
            "The manifest is no JSON: it is cut off, is no UTF-8, or is written more freely (a "
            "comma at the end, NaN, a comment).",
            "Fetch the bundle again; a manifest is not edited by hand.",
        ),
        "bundle.manifest-byte-order-mark": ErrorCode(
            "The manifest begins with a byte order mark.",
            "Fetch the bundle again: an editor or a shell has written the manifest.",
        ),
        "bundle.manifest-duplicate-key": ErrorCode(
            "An object of the manifest has a key twice, so that it has no single meaning.",
            "Fetch the bundle again; do not trust where it came from.",
            ("name",),
        ),
        "bundle.manifest-too-deep": ErrorCode(
            "The manifest is nested too deeply to be read.",
            "Fetch the bundle again; do not trust where it came from.",
        ),
        "bundle.manifest-unknown-field": ErrorCode(
            "An object of the manifest has a field that this release does not know.",
            "Read the bundle with the release that wrote it, or export it again.",
            ("path", "name"),
        ),
        "bundle.manifest-missing-field": ErrorCode(
            "An object of the manifest lacks a field.",
            "Export the bundle again with this release.",
            ("path", "name"),
        ),
        "bundle.manifest-wrong-type": ErrorCode(
            "A field of the manifest is of another type: a text where a number is expected, ...",
            "Export the bundle again.",
            ("path", "expected", "found"),
        ),
        "bundle.manifest-out-of-range": ErrorCode(
            "A value of the manifest is outside what its field may have: a number, a length, or a "
            "text of another form.",
            "Export the bundle again.",
            ("path", "expected"),
        ),
        "bundle.manifest-inconsistent": ErrorCode(
            "Fields of the manifest contradict each other.",
            "Export the bundle again.",
        ),
        "bundle.path-outside": ErrorCode(
            "A path in the manifest is absolute, or leads out of the bundle.",
            "Do not use the bundle, and do not trust where it came from.",
            ("path",),
        ),
        "bundle.graphs-mismatch": ErrorCode(
            "A target lacks a graph that a stage needs with its strategy, has one twice, or has "
            "one that belongs to no stage or route.",
            "Export the bundle again.",
            ("target", "stage", "route"),
        ),
        "bundle.tensors-mismatch": ErrorCode(
            "A graph takes or gives other tensors than its stage and route have, or a weight that "
            "its target does not store.",
            "Export the bundle again.",
            ("target", "graph", "expected", "found"),
        ),
        "bundle.ranges-invalid": ErrorCode(
            "The weights of experts, which graphs take as inputs, are not ranges of the target's "
            "file of weights: one overlaps another, ends beyond the file, begins at no multiple of "
            "16,384, or does not hold its tensors.",
            "Export the bundle again.",
            ("target",),
        ),
        "bundle.routers-mismatch": ErrorCode(
            "A target has its routers inside of its graph, which its strategy, or the model's "
            "stages, rules or names, do not allow.",
            "Export the bundle again.",
            ("target",),
        ),
        "bundle.tensor-unknown": ErrorCode(
            "A stage takes a tensor, or is routed by one, that no stage before it gives; or an "
            "output is one that no stage gives.",
            "Export the bundle again.",
            ("stage", "output", "tensor"),
        ),
        "bundle.output-missing": ErrorCode(
            "An image may be finished before it has one of the outputs.",
            "Export the bundle again.",
            ("output", "stage"),
        ),
        "bundle.output-shape": ErrorCode(
            "The tensors of an output do not have one shape that fits its kind.",
            "Export the bundle again.",
            ("output", "kind", "found"),
        ),
        "bundle.finishes-invalid": ErrorCode(
            "A stage finishes images on routes that its rule does not have, or on all of them.",
            "Export the bundle again.",
            ("stage",),
        ),
        "bundle.tensor-given-twice": ErrorCode(
            "A stage gives a tensor that is there already.",
            "Export the bundle again.",
            ("stage", "tensor"),
        ),
        "bundle.too-large": ErrorCode(
            "The manifest, a tensor, or all tensors together are larger than is read.",
            "Export the bundle with a smaller batch or fewer golden images.",
            ("limit",),
        ),
        "bundle.unknown-rule": ErrorCode(
            "A stage is routed by a rule that is not installed.",
            "Use a release that has the rule, or install the package that brings it.",
            ("name", "installed"),
        ),
        "bundle.unknown-strategy": ErrorCode(
            "A target is of a strategy that is not installed.",
            "Use a release that has the strategy, or install the package that brings it.",
            ("name", "installed"),
        ),
        "bundle.unknown-kind": ErrorCode(
            "An output has a kind that this release does not know.",
            "Use a newer release, or install the package that the kind is from.",
            ("name", "installed"),
        ),
        "bundle.unknown-format": ErrorCode(
            "A target's graphs are of a format that no installed runner runs.",
            "Take another target of the bundle, or install the package that brings the runner.",
            ("name", "installed"),
        ),
        "bundle.wrong-manifest": ErrorCode(
            "The manifest has another SHA-256 than the caller asked for.",
            "Take the bundle from where the hash was published.",
            ("expected", "found"),
        ),
        "bundle.file-missing": ErrorCode(
            "A file that the manifest lists is missing.",
            "Copy or fetch the whole bundle again.",
            ("file",),
        ),
        "bundle.file-not-plain": ErrorCode(
            "A file of the bundle is a symbolic link, a directory or a device.",
            "Copy the bundle with its links resolved (cp -rL).",
            ("file",),
        ),
        "bundle.file-unreadable": ErrorCode(
            "The system refuses to read a file of the bundle.",
            "Check the permissions and the disk.",
            ("file",),
        ),
        "bundle.size-mismatch": ErrorCode(
            "A file has another size than the manifest says, or than makes sense.",
            "Copy or fetch the whole bundle again.",
            ("file", "expected", "found"),
        ),
        "bundle.hash-mismatch": ErrorCode(
            "A file has another SHA-256 than the manifest says.",
            "Copy or fetch the whole bundle again.",
            ("file",),
        ),
        "bundle.golden-invalid": ErrorCode(
            "The golden vectors are damaged or do not fit the manifest.",
            "Export the bundle again.",
            ("vector",),
        ),
        "bundle.replaced": ErrorCode(
            "A file was replaced, changed or removed while the bundle was open.",
            "Open the bundle again.",
            ("file",),
        ),
        "bundle.no-target": ErrorCode(
            "The bundle has no target of that name.",
            "Choose one of its targets, or export it with that target.",
            ("target", "available"),
        ),
        # Images.
        "image.invalid": ErrorCode(
            "The image cannot be used, for a reason without a code of its own.",
            "Read the message.",
            ("image", "found"),
        ),
        "image.type": ErrorCode(
            "The object is no image: neither a path, a PIL image, an array of the right type "
            "and shape, nor a pixel buffer.",
            "Give one of these.",
            ("image",),
        ),
        "image.unreadable": ErrorCode(
            "The file does not exist or the system refuses to read it.",
            "Check the path and the permissions.",
            ("image",),
        ),
        "image.damaged": ErrorCode(
            "The file is no image of a format that is read, is damaged, or is cut off.",
            "Write it again, convert it, or leave it out.",
            ("image",),
        ),
        "image.too-large": ErrorCode(
            "The image has more bytes or pixels than are read.",
            "Scale it down first.",
            ("image", "found", "expected"),
        ),
        "image.unsupported-samples": ErrorCode(
            "The image's samples have a type or layout that is not read.",
            "Save it with 8 or 16 bits a channel, the channels of a pixel side by side.",
            ("image", "found"),
        ),
        "image.buffer-format": ErrorCode(
            "A pixel buffer has an unknown format, orientation, matrix or value range, or other "
            "planes than its format.",
            "Give one that the message names.",
        ),
        "image.buffer-size": ErrorCode(
            "The sides of a pixel buffer are not above 0, or odd where 2 x 2 pixels share chroma.",
            "Give the sizes of the luma or pixel plane.",
        ),
        "image.buffer-stride": ErrorCode(
            "A stride of a pixel buffer is negative, or so small that rows or pixels overlap.",
            "Give the strides that the camera states, in bytes.",
            ("plane", "expected", "found"),
        ),
        "image.buffer-too-short": ErrorCode(
            "A plane of a pixel buffer has fewer bytes than its size and strides need.",
            "Give all of the plane, and its own strides.",
            ("plane", "expected", "found"),
        ),
        # Preprocessing and routing.
        "preprocessing.invalid": ErrorCode(
            "The fields of a preprocessing contradict each other: the way from an image to the "
            "model's input is not defined.",
            "Give values that the message names; export the bundle again.",
            ("name",),
        ),
        "routing.invalid": ErrorCode(
            "The logits of a router cannot be routed, for a reason without a code of its own.",
            "Read the message.",
        ),
        "routing.not-finite": ErrorCode(
            "A router gave a logit that is not finite; there is no default route.",
            "Check the image and the model's weights.",
            ("image", "expert"),
        ),
        "routing.logits-shape": ErrorCode(
            "A router gave logits of another shape or type than its rule expects.",
            "Export the bundle again; in Python, give logits [B, experts].",
            ("found",),
        ),
        "routing.unknown-route": ErrorCode(
            "A route is none of its rule's.",
            "Give the experts of a route of the rule, in ascending order.",
            ("route", "stage"),
        ),
        "routing.rule-invalid": ErrorCode(
            "The values of a routing rule leave no route.",
            "Give values that the message names.",
            ("name",),
        ),
        "routing.choice-missing": ErrorCode(
            "The caller has to choose a route by its name, and has not.",
            "Give one of the names: a task, for example.",
            ("choice", "expected"),
        ),
        "routing.choice-unknown": ErrorCode(
            "The caller chose a name that no route has.",
            "Give one of the names that the message has; mvmoe inspect shows them.",
            ("choice", "given", "expected"),
        ),
        "routing.no-such-choice": ErrorCode(
            "The caller chose for something that the model leaves to nobody, or to its routers.",
            "Give the choices that the message has; mvmoe inspect shows them.",
            ("given", "expected"),
        ),
        # The dispatcher.
        "dispatcher.closed": ErrorCode(
            "The dispatcher was closed.",
            "Open the bundle again.",
        ),
        "dispatcher.wrong-process": ErrorCode(
            "The dispatcher was copied, pickled, or used in a forked child.",
            "Open the bundle again in each process.",
        ),
        # Engines.
        "engine.failed": ErrorCode(
            "An engine failed, for a reason without a code of its own.",
            "Read the message; mvmoe verify says whether the bundle's graphs run here.",
            ("graph", "file", "name", "expected", "found", "operator"),
        ),
        "engine.load-failed": ErrorCode(
            "An engine refused to load a graph.",
            "Check that the engine has the version that the message names; export again.",
            ("graph",),
        ),
        "engine.run-failed": ErrorCode(
            "An engine loaded a graph but failed to run it.",
            "Try again; if it fails again, export the bundle again.",
            ("graph",),
        ),
        "engine.wrong-signature": ErrorCode(
            "A graph takes or gives other tensors than the manifest says.",
            "Export the bundle again.",
            ("graph",),
        ),
        "engine.process-ended": ErrorCode(
            "The process of an engine or compiler ended while it read, loaded or ran a graph.",
            "Treat the bundle as damaged; export it again.",
            ("graph", "file", "found"),
        ),
        "engine.timeout": ErrorCode(
            "A process did not read, load or run a graph in time and was stopped.",
            "Treat the bundle as damaged; export it again.",
            ("graph", "file"),
        ),
        "engine.partial-result": ErrorCode(
            "Some images of a batch have no answer; the others' answers are in the error.",
            "Use the answers there are, and look at each failed image's own error.",
            ("images",),
        ),
        "engine.unsupported-platform": ErrorCode(
            "The engine does not exist on this system.",
            "Use a machine that the message names, or another target.",
            ("name", "expected", "found"),
        ),
        "engine.option": ErrorCode(
            "An option of an engine is unknown or has an impossible value.",
            "Give one of the options that the message names.",
            ("option", "given", "expected"),
        ),
        # What is installed.
        "extra.missing": ErrorCode(
            "A package that this needs is not installed.",
            "Run the pip command of the message.",
            ("what", "extra"),
        ),
        "extra.broken": ErrorCode(
            "A package is installed but cannot be loaded.",
            "Run the pip command of the message.",
            ("what", "extra"),
        ),
        "part.unknown": ErrorCode(
            "No part of that kind and name is installed.",
            "Choose an installed one (mvmoe parts), or install the package that brings it.",
            ("kind", "name", "installed"),
        ),
        "part.plugin-not-allowed": ErrorCode(
            "The part is of another distribution, and the caller has not allowed plug-ins.",
            "If you trust it, allow plug-ins (--plugins, plugins=True).",
            ("kind", "name", "distribution"),
        ),
        "part.invalid": ErrorCode(
            "A plug-in names a module that declares no part, or one that contradicts another part.",
            "Update or remove the plug-in.",
            ("name", "module", "found"),
        ),
        # Limits of the machine.
        "limit.reached": ErrorCode(
            "A limit of the process or the machine was met.",
            "Read the message, which names the limit.",
        ),
        "limit.files": ErrorCode(
            "No further file can be opened.",
            "Close dispatchers or files, or raise the limit (ulimit -n).",
        ),
        "limit.memory": ErrorCode(
            "Memory ran out.",
            "Close dispatchers, bound max_resident_experts, or give the process more.",
        ),
        "limit.threads": ErrorCode(
            "No further thread can be started.",
            "End some, or raise the limit (ulimit -u).",
        ),
        # What the caller gives.
        "input.invalid": ErrorCode(
            "An argument cannot be used, for a reason without a code of its own.",
            "Read the message.",
            ("name", "given", "expected", "path"),
        ),
        "input.option": ErrorCode(
            "An option has a value that it cannot have, or that does not go with another.",
            "Give a value that the message names.",
            ("name", "given", "expected"),
        ),
        "input.shape": ErrorCode(
            "An array has another shape or type than the model's input.",
            "Give the shape and type that the message names.",
            ("expected", "found", "name"),
        ),
        "input.output-shape": ErrorCode(
            "An output has a shape that an output of its kind cannot have.",
            "Give the output another kind, or a model that gives the shape that the message names.",
            ("kind", "expected", "found"),
        ),
        "input.none-classifies": ErrorCode(
            "The class was asked for of a model that does not classify.",
            "Read the outputs that it has.",
            ("outputs",),
        ),
        "input.no-images": ErrorCode(
            "A directory holds no images.",
            "Give files, or a directory with images of the formats that the message names.",
            ("path",),
        ),
        "usage.invalid": ErrorCode(
            "The command line has an unknown or missing argument.",
            "See --help.",
        ),
        # Outputs.
        "output.refused": ErrorCode(
            "The system refused to write the output; no partial output was written.",
            "Check the path and the permissions.",
            ("path",),
        ),
        "output.no-space": ErrorCode(
            "The disk is full or the output would not fit on it.",
            "Free some space, or give a path on another disk.",
            ("path", "expected", "found"),
        ),
        "output.exists": ErrorCode(
            "Something is at the output path already.",
            "Give another path, or replace it with --force.",
            ("path",),
        ),
        "output.busy": ErrorCode(
            "Another process writes to the output path.",
            "Wait until it ends, or give another path.",
            ("path",),
        ),
        "output.foreign": ErrorCode(
            "What is at the output path was not written by this command, so it is not replaced.",
            "Give another path, or remove it yourself.",
            ("path",),
        ),
        "output.not-replaceable": ErrorCode(
            "The output path is a link, a device, a mount point, or a directory in use.",
            "Give another path.",
            ("path", "found"),
        ),
        "output.is-input": ErrorCode(
            "The output is an input, or holds one, or lies in one.",
            "Give a path outside of the inputs.",
            ("output", "input", "found"),
        ),
        # Models and checks.
        "checkpoint.invalid": ErrorCode(
            "A checkpoint cannot be used, for a reason without a code of its own.",
            "Read the message.",
            ("name",),
        ),
        "checkpoint.missing": ErrorCode(
            "There is no file of weights at the path, or the system refuses to read it.",
            "Check the path and the permissions.",
            ("path",),
        ),
        "checkpoint.damaged": ErrorCode(
            "The file of weights is cut off or altered.",
            "Copy or fetch it again.",
            ("path",),
        ),
        "checkpoint.unsupported": ErrorCode(
            "The file is of another program, or holds a part of the weights only.",
            "Save the weights as one model.safetensors.",
            ("path",),
        ),
        "checkpoint.not-a-state-dict": ErrorCode(
            "The file holds something else than named tensors; no code of it was run.",
            "Save model.state_dict() alone.",
            ("path",),
        ),
        "checkpoint.too-large": ErrorCode(
            "The file describes more than it holds: tensors, a header or a model that would take "
            "far more memory than its size.",
            "Save the weights again, plainly; do not trust where the file came from.",
            ("path",),
        ),
        "checkpoint.no-config": ErrorCode(
            "The weights come without a configuration that is known here.",
            "Name one with --config.",
            ("found",),
        ),
        "checkpoint.config-invalid": ErrorCode(
            "The configuration beside the weights is damaged, or contradicts itself or them.",
            "Save the checkpoint again, or name a configuration with --config.",
            ("name",),
        ),
        "checkpoint.unsupported-version": ErrorCode(
            "The checkpoint is of another format or version than this release reads.",
            "Use the release that wrote it.",
            ("format", "version"),
        ),
        "checkpoint.does-not-fit": ErrorCode(
            "The weights are not those of the configuration's model: keys, shapes or values.",
            "Give the configuration that the weights were trained with.",
            ("family", "missing", "unknown", "shapes", "name", "expected", "found"),
        ),
        "checkpoint.weights-choice": ErrorCode(
            "The file has several sets of weights, or none of the name that was given.",
            "Choose one of those that there are with --weights.",
            ("given", "available"),
        ),
        "checkpoint.other-model": ErrorCode(
            "The checkpoint is not the one that the bundle was exported from.",
            "Give that one, or export the bundle again.",
            ("expected", "found"),
        ),
        "model.contract": ErrorCode(
            "A model does not do what the contract of a routed model asks for.",
            "Change the model as the message says (docs/own_model.md).",
            ("graph", "stage", "name", "expected", "found"),
        ),
        "model.unsound": ErrorCode(
            "A model answers the same image in two ways, or otherwise than its stages do.",
            "Take out of the model what the message names.",
            ("name", "found"),
        ),
        "model.code-failed": ErrorCode(
            "Code of the model raised an error, or tried to end the program.",
            "Mend the model's code.",
            ("found",),
        ),
        "model.config-invalid": ErrorCode(
            "A field of a model's configuration is unknown, or has a value that makes no network.",
            "Give a value that the message names.",
            ("name", "expected", "found", "path"),
        ),
        "check.engine": ErrorCode(
            "The engine does not answer as the bundle's golden vectors (`Dispatcher.check`).",
            "Use another engine or other options of it, and report the device with the figures.",
            (
                "rerouted",
                "router_error",
                "router_error_bound",
                "answer_error",
                "answer_error_bound",
                "disagreeing",
            ),
        ),
        "check.too-large": ErrorCode(
            "One target of a bundle, as an app ships it, is larger than mvmoe pack was allowed.",
            "Read which graphs and experts are large; use fewer or smaller ones, other numbers "
            "(--coreml-precision fp16), or a higher limit.",
            ("target", "limit", "bytes", "graphs", "experts"),
        ),
        "check.conversion": ErrorCode(
            "A model that was made of a dense one does not answer as it with every expert active.",
            "Nothing was written. Report it with the configuration: it is a fault of the family.",
        ),
        "check.failed": ErrorCode(
            "A check of the exported graphs fell short of its bound.",
            "Do not ship the bundle; read the figures. Where it is known which operator is the "
            "first to leave its bound, it is among the fields.",
            (
                "target",
                "graph",
                "stage",
                "route",
                "operator",
                "node",
                "layer",
                "engine_operator",
                "engine_value",
                "found",
                "name",
                "figure",
                "value",
                "bound",
            ),
        ),
        "export.graph-refused": ErrorCode(
            "A stage cannot be made into a graph of the target.",
            "Write it in other operators, or give another target, option or rewrite.",
            ("graph", "operator", "stage", "name", "found"),
        ),
        "export.too-many-graphs": ErrorCode(
            "The strategy would make more graphs of a routed stage than the limit.",
            "Use another strategy, or raise --max-graphs.",
            ("stage", "limit"),
        ),
        # Training and measuring.
        "data.invalid": ErrorCode(
            "Images for training or a comparison are missing, or not laid out as they have to be.",
            "Lay it out as the message says.",
            ("path", "name", "found", "expected"),
        ),
        "training.diverged": ErrorCode(
            "The loss is not finite any more.",
            "Begin again with a lower learning rate; resuming is of no use.",
            ("epoch", "phase"),
        ),
        "resume.mismatch": ErrorCode(
            "A run is resumed with other options, files or machines than it was begun with.",
            "Give the same, or begin another run.",
            ("name", "expected", "found"),
        ),
        "resume.data-changed": ErrorCode(
            "The images are not those that a run was begun with.",
            "Restore them, or give --accept-changed-data.",
            ("path", "found"),
        ),
        "resume.damaged": ErrorCode(
            "A file that a run has kept to go on from is damaged.",
            "Begin another run.",
            ("path",),
        ),
        "results.invalid": ErrorCode(
            "A file holds no results of a benchmark, or cannot be read.",
            "Give a file that mvmoe bench has written.",
            ("path",),
        ),
        "results.unsupported-version": ErrorCode(
            "Results are of another schema or version than this release reads.",
            "Use the release that wrote them, or measure again.",
            ("format",),
        ),
        "results.unlike": ErrorCode(
            "Runs or bundles that were not measured alike are asked for in one report or run.",
            "Compare two, or make a report of each.",
            ("found",),
        ),
        # A device elsewhere, such as a phone.
        "device.failed": ErrorCode(
            "A phone, adb or devicectl refused something for a reason without a code of its own.",
            "Read the message.",
            ("serial", "found"),
        ),
        "device.none": ErrorCode(
            "adb or devicectl sees no phone, or not the one that was named.",
            "Connect it by USB, unlock it and let it trust this machine (Android: switch on USB "
            "debugging), or name another one.",
            ("serial", "available", "found"),
        ),
        "device.several": ErrorCode(
            "adb or devicectl sees several phones, and none was named.",
            "Name one with the variable ANDROID_SERIAL or MVMOE_IOS_DEVICE.",
            ("available",),
        ),
        "device.unauthorized": ErrorCode(
            "The phone has not allowed this machine to speak to it.",
            "Unlock it and confirm its question, about USB debugging or about trust.",
            ("serial",),
        ),
        "device.offline": ErrorCode(
            "The phone is known and cannot be spoken to, or adb does not answer itself.",
            "Connect it again, or restart adb (adb kill-server).",
            ("serial", "found"),
        ),
        "device.locked": ErrorCode(
            "The phone is locked, and starts no app.",
            "Unlock it, let it not lock itself, and give --resume.",
            ("serial",),
        ),
        "device.developer-mode": ErrorCode(
            "The iPhone runs no apps that are being developed.",
            "Switch on Developer Mode in its Settings, Privacy & Security.",
            ("serial",),
        ),
        "device.untrusted": ErrorCode(
            "The iPhone does not trust who has signed the app, or the profile has ended.",
            "Allow it in its Settings, General, VPN & Device Management, or sign the app again.",
            ("serial",),
        ),
        "device.app-missing": ErrorCode(
            "The phone does not have the app that measures, or no build whose files can be read.",
            "Build and install it as the message says.",
            ("serial",),
        ),
        "device.app-ended": ErrorCode(
            "The app that measures was ended by the system or its engine, hangs, or is of another "
            "version.",
            "Read why in the message; the other subjects went on.",
            ("serial", "found"),
        ),
        "device.lost": ErrorCode(
            "The phone does not answer any more in the middle of a run.",
            "Connect it again and give --resume.",
            ("serial", "found"),
        ),
        "device.full": ErrorCode(
            "The storage of the phone is full.",
            "Free some space there and give --resume.",
            ("serial",),
        ),
        "device.too-hot": ErrorCode(
            "The phone does not become cool enough to measure.",
            "Let it cool down and give --resume.",
            ("serial", "found"),
        ),
        # The process.
        "system.refused": ErrorCode(
            "The system refused to read or write.",
            "Check space, paths and permissions.",
        ),
        "process.interrupted": ErrorCode(
            "Ctrl-C or a signal ended the command; no partial output was written. Work that can be "
            "gone on with is kept.",
            "Do what the message says: run it again, with --resume where it names that.",
        ),
        "internal.error": ErrorCode(
            "A fault of mvmoe itself.",
            "Run it again with --debug and report what it prints.",
        ),
    }
)

_PAGE = """# Error codes

Every error has a code of this list, a sentence for people, and named fields. The list is closed
and the same in every language: a program branches on the code and shows the sentence. In Python
they are `error.code` and `error.fields` of `mvmoe_deploy.MvmoeError`. With `--json` a command that
fails prints

    {"error": {"code": "bundle.hash-mismatch", "message": "...", "fields": {"file": "..."}}}

A code that ends in `.invalid`, `.failed` or `.error` is general: it stands for what has no code of
its own. A field is absent where there is nothing to say.

This page is written from `mvmoe_deploy/error_codes.py`: `python -m mvmoe_deploy.error_codes`.

| code | meaning | what to do | fields |
|---|---|---|---|
"""


def page() -> str:
    """The text of `docs/errors.md`."""
    rows = [
        f"| `{code}` | {entry.meaning} | {entry.remedy} | "
        f"{', '.join(f'`{name}`' for name in entry.fields) or '-'} |\n"
        for code, entry in CODES.items()
    ]
    return _PAGE + "".join(rows)


if __name__ == "__main__":
    print(page(), end="")
