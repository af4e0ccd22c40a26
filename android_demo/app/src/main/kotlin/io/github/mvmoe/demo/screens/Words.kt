package io.github.mvmoe.demo.screens

import android.content.Context
import io.github.mvmoe.demo.R
import java.text.NumberFormat
import kotlin.math.abs

/** Numbers as the user's language writes them. */
internal class Words(
    private val context: Context,
) {
    /** `312 µs`, `1.24 ms`. */
    fun duration(ns: Long): String =
        if (ns < NS_OF_MS) {
            context.getString(R.string.duration_us, number(ns / NS_OF_US, if (ns < FEW_US) 1 else 0))
        } else {
            val ms = ns / NS_OF_MS
            context.getString(R.string.duration_ms, number(ms, if (ms < FEW) 2 else 1))
        }

    /** `98.2 %`. */
    fun percent(share: Double): String = context.getString(R.string.percent, number(HUNDRED * share, 1))

    /** `2.31`: more digits the smaller it is. */
    fun figure(value: Double): String = number(value, if (abs(value) < FEW) 2 else 1)

    /** The experts of each stage: `expert 3`, `experts 0, 3, then expert 1`. */
    fun way(routes: List<List<Int>>): String =
        routes.map(::experts).reduceOrNull { first, next -> context.getString(R.string.experts_then, first, next) } ?: experts(emptyList())

    /** `expert 3`, `experts 0, 3`. */
    fun experts(route: List<Int>): String =
        if (route.isEmpty()) {
            context.getString(R.string.no_experts)
        } else {
            context.resources.getQuantityString(R.plurals.experts, route.size, route.joinToString { number(it.toDouble(), 0) })
        }

    private fun number(
        value: Double,
        digits: Int,
    ): String =
        NumberFormat
            .getInstance(context.resources.configuration.locales[0])
            .apply {
                minimumFractionDigits = digits
                maximumFractionDigits = digits
            }.format(value)

    private companion object {
        const val NS_OF_US = 1e3
        const val NS_OF_MS = 1e6
        const val FEW_US = 10_000
        const val FEW = 10
        const val HUNDRED = 100
    }
}
