"""What timed answers are worth: a verdict on each series, from five criteria.

After MLPerf Mobile, which wants at least 1,024 samples and 60 seconds of a run. A criterion is met,
or it leaves *semi-valid* (figures to go on with, none to publish) or *not valid* as the best
verdict; the verdict is that of the criterion that leaves least. What a file does not say leaves
semi-valid: nobody knows that it was bad, and nobody knows that it was good.

The limits are here and nowhere else; the report and the terminal print them with each verdict.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mvmoe_bench.measure.jobs.timed_run import TimedRun
from mvmoe_bench.measure.schema.records import Thermal
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.section_part import section_parts
from mvmoe_bench.report.statistics import Figure
from mvmoe_bench.report.timed_series import TimedSeries

Validity = Literal["valid", "semi-valid", "not valid"]
VALIDITIES: tuple[Validity, ...] = get_args(Validity)
"""From the best to the worst."""

_THERMAL: tuple[str, ...] = get_args(Thermal)
_NS = 1e-9


@dataclass(frozen=True)
class VerdictLimits:
    """What a number has to reach (or, with `most`, may not exceed) for each verdict."""

    valid: float
    semi: float
    most: bool = False

    def leaves(self, value: float) -> Validity:
        """The best verdict that is left with a number."""
        met = [value <= limit if self.most else value >= limit for limit in (self.valid, self.semi)]
        return VALIDITIES[0] if met[0] else VALIDITIES[1] if met[1] else VALIDITIES[2]


SAMPLES = VerdictLimits(1024, 256)
"""Answers, as MLPerf Mobile has it; a quarter of them for semi-valid."""
SECONDS = VerdictLimits(60, 15)
"""As MLPerf Mobile has it: the first boost of a processor's clocks is over by then."""
VARIATION = VerdictLimits(0.05, 0.15, most=True)
"""Standard deviation over mean of the repeats' medians."""
CELSIUS = VerdictLimits(70, 85, most=True)
"""Of a processor at the beginning: the limits at which they slow down lie from 85 to 105."""
STATUS = VerdictLimits(_THERMAL.index("none"), _THERMAL.index("light"), most=True)
"""Of a phone: from moderate on the system takes speed away."""


class CriterionFinding(Figure, frozen=True):
    """What was found of one criterion."""

    criterion: Literal["samples", "duration", "variation", "cache", "temperature"]
    leaves: Validity
    """The best verdict that it leaves."""
    value: float | str | None
    """Answers, seconds, a share, `warm` or `cold`, a thermal status or degrees Celsius; None if it
    is not known, or not asked."""
    shown: str
    """The same for a cell of a table: `512`, `7.3%`, `not known`."""
    text: str
    """The same with what is asked for: `512 of 1,024 samples`."""
    remedy: str
    """What to do about it; empty if it is met."""


class JudgedRun(Figure, frozen=True):
    """One subject, timed in one mode, and what that is worth."""

    subject: str
    mode: str
    verdict: Validity
    findings: tuple[CriterionFinding, ...]

    @property
    def missed(self) -> tuple[CriterionFinding, ...]:
        """What keeps it from being valid, the gravest first."""
        worst = sorted(self.findings, key=lambda it: -VALIDITIES.index(it.leaves))
        return tuple(it for it in worst if it.leaves != VALIDITIES[0])

    @property
    def why(self) -> str:
        """The same in words; empty for a valid one."""
        return "; ".join(it.text for it in self.missed)


def judged_runs(index: Index) -> tuple[JudgedRun, ...]:
    """A verdict on every series of timed answers of a run, in the order of the sections."""
    series = [each for part in section_parts() for each in part.timed(index)]
    return tuple(_judged(each, _processes(index, each)) for each in series)


def weakest(runs: Iterable[JudgedRun]) -> Validity:
    """The verdict on all of them together."""
    return max((run.verdict for run in runs), key=VALIDITIES.index, default=VALIDITIES[2])


def not_valid_sentence(name: str, index: Index) -> str:
    """What a comparison says of a run that is not valid; empty for a valid one, or an untimed."""
    runs = judged_runs(index)
    verdict = weakest(runs)
    if not runs or verdict == VALIDITIES[0]:
        return ""
    found = [it for run in runs if run.verdict == verdict for it in run.missed]
    # One reason for each criterion, of the run that is furthest from it: the first, gravest first.
    reasons = {it.criterion: it.text for it in reversed(found)}
    return f"{name} is {verdict}: {'; '.join(reversed(reasons.values()))}."


def _processes(index: Index, series: TimedSeries) -> list[TimedRun]:
    """What the processes that timed a series say of themselves; none of an older file."""
    kind = series.of.__struct_config__.tag
    lines = index.of_kind(TimedRun)
    return [line for line in lines if line.subject == series.subject and line.of == kind]


def _judged(series: TimedSeries, processes: Sequence[TimedRun]) -> JudgedRun:
    """The verdict on one series."""
    findings = (
        _samples(series),
        _duration(series, processes),
        _variation(series),
        _cache(processes),
        _temperature(processes),
    )
    return JudgedRun(
        subject=series.subject,
        mode=series.mode,
        verdict=max((it.leaves for it in findings), key=VALIDITIES.index),
        findings=findings,
    )


def _samples(series: TimedSeries) -> CriterionFinding:
    """How many answers there are."""
    found, leaves = series.samples, SAMPLES.leaves(series.samples)
    met = leaves == VALIDITIES[0]
    return CriterionFinding(
        criterion="samples",
        leaves=leaves,
        value=found,
        shown=f"{found:,}",
        text=f"{found:,}{'' if met else f' of {SAMPLES.valid:,.0f}'} samples",
        remedy="" if met else f"give {series.longer}",
    )


def _duration(series: TimedSeries, processes: Sequence[TimedRun]) -> CriterionFinding:
    """How long it was timed, in all processes; of an older file at least what its answers took."""
    least = series.answering_ns * _NS
    told = sum(line.wall_ns for line in processes) * _NS
    seconds = max(least, told)
    leaves = SECONDS.leaves(seconds)
    met = leaves == VALIDITIES[0]
    text = f"{alone(seconds)}{'' if met else f' of {SECONDS.valid:.0f}'} s"
    if not met and not processes:
        leaves, text = VALIDITIES[1], f"at least {text}, its duration is not told"
    return CriterionFinding(
        criterion="duration",
        leaves=leaves,
        value=seconds,
        shown=f"{alone(seconds)} s",
        text=text,
        remedy="" if met else f"give {series.longer}",
    )


def _variation(series: TimedSeries) -> CriterionFinding:
    """How much the repeats' medians vary."""
    if series.medians is None:
        return CriterionFinding(
            criterion="variation",
            leaves=VALIDITIES[0],
            value=None,
            shown="not asked",
            text="its change is what was asked for",
            remedy="",
        )
    numbers = np.asarray(series.medians.numbers)
    if len(numbers) < 2:
        return _unknown(
            "variation", "one process, so variation is not known", "give a preset with more repeats"
        )
    share = float(numbers.std(ddof=1) / numbers.mean())
    leaves = VARIATION.leaves(share)
    met = leaves == VALIDITIES[0]
    return CriterionFinding(
        criterion="variation",
        leaves=leaves,
        value=share,
        shown=percent(share),
        text=f"varies by {percent(share)}{'' if met else f', above {VARIATION.valid:.0%}'}",
        remedy="" if met else "end other programs, keep the charger connected, and measure again",
    )


def _cache(processes: Sequence[TimedRun]) -> CriterionFinding:
    """Whether every process had answered before the first answer that counts."""
    if not processes:
        return _unknown(
            "cache", "not told whether it began warm", "measure again with this version"
        )
    warm = all(line.warmup for line in processes)
    return CriterionFinding(
        criterion="cache",
        leaves=VALIDITIES[0] if warm else VALIDITIES[1],
        value="warm" if warm else "cold",
        shown="warm" if warm else "cold",
        text=f"began {'warm' if warm else 'cold'}",
        remedy="" if warm else "give a preset with a warm-up",
    )


def _temperature(processes: Sequence[TimedRun]) -> CriterionFinding:
    """How warm the device was at the beginning: the warmest beginning counts."""
    statuses = [_THERMAL.index(line.thermal) for line in processes if line.thermal is not None]
    degrees = [line.celsius for line in processes if line.celsius is not None]
    if statuses:
        leaves = STATUS.leaves(max(statuses))
        value: float | str = _THERMAL[max(statuses)]
        shown, text = str(value), f"thermal status {value} at entry"
    elif degrees:
        leaves, value = CELSIUS.leaves(max(degrees)), max(degrees)
        shown, text = f"{value:.0f} °C", f"{value:.0f} °C at entry"
    else:
        return _unknown(
            "temperature",
            "temperature at entry not known",
            "measure where the system tells it: a phone, or Linux outside of a virtual machine",
        )
    return CriterionFinding(
        criterion="temperature",
        leaves=leaves,
        value=value,
        shown=shown,
        text=text,
        remedy="" if leaves == VALIDITIES[0] else "let the device cool down, and measure again",
    )


def _unknown(
    criterion: Literal["variation", "cache", "temperature"], text: str, remedy: str
) -> CriterionFinding:
    """What a file does not say: nothing better than semi-valid is left."""
    return CriterionFinding(
        criterion=criterion,
        leaves=VALIDITIES[1],
        value=None,
        shown="not known",
        text=text,
        remedy=remedy,
    )


def thresholds() -> tuple[str, ...]:
    """The limits in sentences, one for each criterion."""
    return (
        f"samples: {SAMPLES.valid:,.0f} answers or more; from {SAMPLES.semi:,.0f} on semi-valid",
        f"duration: {SECONDS.valid:.0f} s or more, all processes together; from {SECONDS.semi:.0f} "
        "s on semi-valid",
        f"variation: the standard deviation of the repeats' medians is at most "
        f"{VARIATION.valid:.0%} of their mean; up to {VARIATION.semi:.0%} semi-valid; "
        "not asked of answers without a pause, whose change is what is looked for",
        "cache: there were answers before the first that counts; without them, or where a file "
        "does not say, semi-valid",
        f"temperature at entry: a phone's thermal status is {_THERMAL[int(STATUS.valid)]} "
        f"({_THERMAL[int(STATUS.semi)]}: semi-valid), or its processor has at most "
        f"{CELSIUS.valid:.0f} degrees Celsius (up to {CELSIUS.semi:.0f}: semi-valid); not known: "
        "semi-valid",
    )
