package io.github.mvmoe.bench.own

import io.github.mvmoe.bench.BenchEvent
import io.github.mvmoe.bench.Failure
import io.github.mvmoe.bench.Line
import io.github.mvmoe.bench.Memory
import io.github.mvmoe.bench.Sample
import io.github.mvmoe.bench.Sustained

/** What somebody who watches is told of a line; null for lines that only a report reads. */
internal fun eventOf(line: Line): BenchEvent? =
    when (line) {
        is Sample -> BenchEvent.Answered(line.subject, line.repeat, line.ns)
        is Memory -> BenchEvent.MemoryHeld(line.subject, line.base.total, line.loaded.total, line.released.total, line.peakPss)
        is Sustained -> line.run { BenchEvent.SustainedFor(subject, atNs, answers, medianNs, slowestNs, thermal, pss) }
        is Failure -> line.subject?.let { BenchEvent.Failed(it, line.message) }
        else -> null
    }
