"""Which subjects a run has: of each bundle, each target that the device runs, and the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mvmoe_bench.measure.devices.contract import Device, Variant
from mvmoe_bench.measure.schema.records import EngineChoice, SubjectRecord
from mvmoe_bench.measure.subjects import find_kind
from mvmoe_bench.measure.subjects.contract import SubjectKind
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import InputError, MissingExtraError, UnsupportedPlatformError

PRODUCT = "dispatcher"
"""The subject that is always measured."""
_PYTORCH = Variant(EngineChoice(engine="PyTorch", provider="CPU"), {}, ("torch",))


@dataclass(frozen=True)
class SelectedSubject:
    """A subject of the run, and what it is made from."""

    record: SubjectRecord
    kind: SubjectKind
    variant: Variant
    bundle: Bundle

    @property
    def key(self) -> str:
        """Its name in the results."""
        return self.record.key

    @property
    def target(self) -> str | None:
        """The bundle's target, or None."""
        return self.record.target

    @property
    def target_record(self) -> Target:
        """The manifest's record of its target; raises InputError for a subject without one."""
        return self.bundle.target(self._target_name)

    @property
    def _target_name(self) -> str:
        if self.target is None:
            raise InputError(
                f"the subject {self.key} has no target of {self.bundle.path}",
                code="input.option",
                name="target",
            )
        return self.target

    def verify(self) -> None:
        """Check the files of its target; raises BundleError, InputError without a target."""
        self.bundle.verify(self._target_name)

    @property
    def dispatches(self) -> bool:
        """Whether it is the product itself."""
        return self.kind.look.role == "product"


@dataclass(frozen=True)
class Selection:
    """The subjects, and in a sentence each what was left out."""

    subjects: tuple[SelectedSubject, ...]
    notes: tuple[str, ...]


def choose(
    device: Device,
    bundles: dict[str, Bundle],
    targets: Sequence[str],
    compare: Sequence[str],
    threads: int,
    *,
    engine_options: Mapping[str, str] = MappingProxyType({}),
) -> Selection:
    """The dispatchers of all targets that the device runs, and after each its baselines.

    With `engine_options` each target is measured with those.

    A target that was asked for by name and cannot be run is refused with its own error; one that
    was not is left out with a note. Raises InputError if nothing is left.
    """
    kinds = [find_kind(name) for name in (PRODUCT, *dict.fromkeys(compare))]
    _require_known(device, kinds)
    subjects: list[SelectedSubject] = []
    notes: list[str] = []
    for name, bundle in bundles.items():
        factory = _SubjectFactory(name, bundle, threads, len(bundles) > 1)
        for target in targets or bundle.manifest.targets:
            for variant in _variants(device, bundle, target, bool(targets), notes):
                ours = [kind for kind in kinds if kind.per_target]
                chosen = _with_options(variant, engine_options)
                subjects += [factory.subject(kind, target, chosen) for kind in ours]
        ours = [kind for kind in kinds if not kind.per_target]
        subjects += [factory.subject(kind, None, _PYTORCH) for kind in ours]
    if not any(subject.dispatches for subject in subjects):
        raise InputError(
            f"the device {device.name} runs no target of {', '.join(bundles)}: {' '.join(notes)}",
            code="input.option",
            name="targets",
            given=list(targets),
        )
    return Selection(tuple(subjects), tuple(notes))


@dataclass(frozen=True)
class _SubjectFactory:
    """What all subjects of a bundle have in common."""

    name: str
    bundle: Bundle
    threads: int
    several: bool
    """Whether there are other bundles to be told from."""

    def subject(self, kind: SubjectKind, target: str | None, variant: Variant) -> SelectedSubject:
        """A subject with its key: kind and target, and what else is needed to tell it apart."""
        words = [kind.name, target or "", f"({variant.label})" if variant.label else ""]
        prefix = f"{self.name}: " if self.several else ""
        record = SubjectRecord(
            key=prefix + " ".join(word for word in words if word),
            name=kind.name,
            bundle=self.name,
            target=target,
            requested=variant.requested,
            threads=self.threads,
        )
        return SelectedSubject(record, kind, variant, self.bundle)


def _with_options(variant: Variant, given: Mapping[str, str]) -> Variant:
    """A variant with other options of its engine, if any are given."""
    if not given:
        return variant
    words = " ".join(f"{name}={value}" for name, value in given.items())
    engine = f"{variant.requested.engine}, {words}"
    return replace(
        variant,
        requested=EngineChoice(engine=engine, provider=variant.requested.provider),
        engine_options={**variant.engine_options, **given},
        label=f"{variant.label} {words}".strip(),
    )


def _variants(
    device: Device, bundle: Bundle, target: str, asked: bool, notes: list[str]
) -> list[Variant]:
    """How the device runs a target; none, and a note, if it does not."""
    record = bundle.target(target)
    if record.batch != 1:
        problem = (
            f"target {target} of {bundle.path} takes {record.batch} images at once; mvmoe bench "
            "measures one image at a time: export it with --batch 1"
        )
        if asked:
            raise InputError(problem, code="input.option", name="batch", given=record.batch)
        notes.append(problem)
        return []
    try:
        return device.variants(record, plugins=bundle.plugins)
    except (UnsupportedPlatformError, MissingExtraError) as error:
        if asked:
            raise
        notes.append(f"target {target} was left out: {error}")
        return []


def _require_known(device: Device, kinds: Sequence[SubjectKind]) -> None:
    """Refuse subjects that the device cannot run."""
    able = device.subjects()
    for kind in kinds:
        if able is not None and kind.name not in able:
            raise InputError(
                f"the device {device.name} cannot run {kind.name}; it runs {', '.join(able)}",
                code="input.option",
                name="compare",
                given=kind.name,
                expected=list(able),
            )
