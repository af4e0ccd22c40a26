package io.github.mvmoe.demo.screens

import android.view.View
import android.widget.TextView
import io.github.mvmoe.android.ThermalStatus
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.HeatStretch
import io.github.mvmoe.demo.bench.NS_IN_MINUTE
import io.github.mvmoe.demo.bench.SubjectSnapshot
import io.github.mvmoe.demo.bench.SustainedSnapshot
import io.github.mvmoe.demo.views.ChartBand
import io.github.mvmoe.demo.views.ChartData
import io.github.mvmoe.demo.views.ChartSeries
import io.github.mvmoe.demo.views.LineChart
import java.util.Locale

/** How one subject became slower while the phone became hot. */
internal class SustainedCard(
    private val view: View,
) {
    private val resources = view.resources
    private val words = Words(view.context)

    fun show(
        number: Int,
        subject: SubjectSnapshot,
    ) {
        val found = subject.sustained ?: return
        val minutes = found.lastNs / NS_IN_MINUTE
        view.findViewById<TextView>(R.id.sustained_title).text = resources.getString(R.string.bench_sustained_of, subject.key)
        val told = told(found)
        view.findViewById<TextView>(R.id.sustained_figures).text = told
        view.findViewById<LineChart>(R.id.sustained_chart).apply {
            unit = resources.getString(R.string.bench_unit)
            end = resources.getString(R.string.bench_sustained_end, minutes)
            data = ChartData(minutes, listOf(ChartSeries(number, found.curve)), found.heat.map(::bandOf))
            contentDescription = told
        }
    }

    private fun bandOf(heat: HeatStretch) = ChartBand(heat.fromNs / NS_IN_MINUTE, heat.toNs / NS_IN_MINUTE, heat.level)

    private fun told(found: SustainedSnapshot): String {
        val change =
            resources.getString(
                R.string.bench_sustained_change,
                words.duration(found.firstMedianNs),
                words.duration(found.lastMedianNs),
                found.lastMedianNs.toDouble() / found.firstMedianNs,
            )
        val headroom = found.headroom?.let { resources.getString(R.string.bench_headroom, it) }
        val shade = if (found.heat.any { it.level > 0 }) resources.getString(R.string.bench_sustained_shade) else null
        return listOfNotNull(change, heatOf(found.heat), headroom, shade).joinToString(" ")
    }

    private fun heatOf(heat: List<HeatStretch>): String {
        if (heat.isEmpty()) return resources.getString(R.string.bench_heat_unsaid)
        val stretches =
            heat.mapIndexed { index, it ->
                val word = wordOf(it.status)
                if (index == 0) word else resources.getString(R.string.bench_heat_from, word, it.fromNs / NS_IN_MINUTE)
            }
        return resources.getString(R.string.bench_heat_of, stretches.joinToString())
    }

    private fun wordOf(status: String): String {
        val known = ThermalStatus.entries.find { it.name.lowercase(Locale.ROOT) == status } ?: return status
        return resources.getStringArray(R.array.heat)[known.ordinal]
    }
}
