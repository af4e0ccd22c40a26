package io.github.mvmoe.demo.bench

import io.github.mvmoe.demo.views.Curve
import io.github.mvmoe.demo.views.CurvePoint

/**
 * What is known of one subject at a moment.
 *
 * @property key its name in the results file.
 * @property check how it answers the golden images, with the figures; null before it has.
 * @property failure why it is not measured any further; null where it is.
 * @property answers how many were timed.
 * @property medianNs of the answers so far; null before the first.
 * @property latency the answers by their number, in milliseconds.
 * @property addedBytes what opening it and answering has added to the process; null where it was not looked.
 * @property peakBytes the largest proportional set size seen; null where the system does not say.
 * @property sustained what it did without a pause; null where it did not.
 */
internal class SubjectSnapshot(
    val key: String,
    val check: String?,
    val failure: String?,
    val answers: Int,
    val medianNs: Long?,
    val latency: List<CurvePoint>,
    val addedBytes: Long?,
    val peakBytes: Long?,
    val sustained: SustainedSnapshot?,
)

/**
 * Answers without a pause.
 *
 * @property curve the median of some seconds by the minute at which they ended, in milliseconds; the highest is the slowest answer.
 * @property lastNs the end of the last of these seconds.
 * @property firstMedianNs the median of the first of these seconds.
 * @property lastMedianNs and of the last ones.
 * @property headroom how near the phone is to throttling, at 1 it is severe; null where the system does not say.
 */
internal class SustainedSnapshot(
    val curve: List<CurvePoint>,
    val lastNs: Long,
    val firstMedianNs: Long,
    val lastMedianNs: Long,
    val heat: List<HeatStretch>,
    val headroom: Double?,
)

/** Puts together what a run says of one subject. */
internal class SubjectFigures(
    private val key: String,
) {
    private val times = Median()
    private val latency = Curve()
    private var check: String? = null
    private var failure: String? = null
    private var addedBytes: Long? = null
    private var peakBytes: Long? = null
    private var sustained: SustainedFigures? = null

    fun checked(sentence: String) {
        check = sentence
    }

    fun failed(sentence: String) {
        failure = sentence
    }

    fun answered(ns: Long) {
        latency.add(times.count.toDouble(), ns / NS_IN_MS)
        times += ns
    }

    fun held(
        addedBytes: Long,
        peak: Long?,
    ) {
        this.addedBytes = addedBytes
        peaked(peak)
    }

    fun sustainedFor(
        atNs: Long,
        medianNs: Long,
        slowestNs: Long,
        status: String?,
        headroom: Double?,
        pss: Long?,
    ) {
        val figures = sustained ?: SustainedFigures(medianNs).also { sustained = it }
        figures.add(atNs, medianNs, slowestNs, status, headroom)
        peaked(pss)
    }

    fun snapshot() =
        SubjectSnapshot(
            key,
            check,
            failure,
            times.count,
            times.get(),
            latency.points,
            addedBytes,
            peakBytes,
            sustained?.snapshot(),
        )

    private fun peaked(bytes: Long?) {
        if (bytes != null) peakBytes = maxOf(bytes, peakBytes ?: 0)
    }
}

private class SustainedFigures(
    private val firstMedianNs: Long,
) {
    private val points = ArrayList<CurvePoint>()
    private val heat = HeatTimeline()
    private var lastNs = 0L
    private var lastMedianNs = firstMedianNs
    private var headroom: Double? = null

    fun add(
        atNs: Long,
        medianNs: Long,
        slowestNs: Long,
        status: String?,
        headroom: Double?,
    ) {
        points += CurvePoint(atNs / NS_IN_MINUTE, medianNs / NS_IN_MS, medianNs / NS_IN_MS, slowestNs / NS_IN_MS)
        heat.add(atNs, status)
        lastNs = atNs
        lastMedianNs = medianNs
        this.headroom = headroom ?: this.headroom
    }

    fun snapshot() = SustainedSnapshot(points.toList(), lastNs, firstMedianNs, lastMedianNs, heat.stretches, headroom)
}

private const val NS_IN_MS = 1e6
internal const val NS_IN_MINUTE = 60e9
