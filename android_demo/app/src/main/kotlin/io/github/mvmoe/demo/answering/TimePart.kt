package io.github.mvmoe.demo.answering

import io.github.mvmoe.Timings

/** What a dispatcher does for an image, in this order. */
enum class Work { PREPROCESS, STEM, SELECT, LOAD, EXPERT, REST }

/** How long a part of a prediction took. */
class TimePart(
    val work: Work,
    val ns: Long,
)

/** The parts of a prediction, and what lies between them, so that they add up to the whole. */
fun partsOf(timings: Timings): List<TimePart> {
    val parts =
        listOf(
            TimePart(Work.PREPROCESS, timings.preprocess),
            TimePart(Work.STEM, timings.stem),
            TimePart(Work.SELECT, timings.select),
            TimePart(Work.LOAD, timings.load),
            TimePart(Work.EXPERT, timings.expert),
        )
    return parts + TimePart(Work.REST, maxOf(0, timings.total - parts.sumOf { it.ns }))
}
