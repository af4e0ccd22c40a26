package io.github.mvmoe.demo.screens.trying

import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Comparison
import io.github.mvmoe.demo.answering.Explanation
import io.github.mvmoe.demo.answering.Source
import io.github.mvmoe.demo.model.OpenModel
import io.github.mvmoe.demo.screens.Words
import io.github.mvmoe.demo.screens.rows
import io.github.mvmoe.demo.views.BarView

/** What the same image costs where every expert is computed. */
internal class ComparisonPanel(
    view: View,
) {
    private val context = view.context
    private val words = Words(context)
    private val rows = view.findViewById<ViewGroup>(R.id.compare_rows)
    private val sentence = view.findViewById<TextView>(R.id.comparison)

    fun show(
        explanation: Explanation,
        source: Source,
        model: OpenModel?,
    ) {
        val comparison = explanation.comparison
        if (comparison != null) return show(comparison)
        rows.removeAllViews()
        sentence.text =
            model?.withoutAllExperts ?: if (source == Source.CAMERA) context.getString(R.string.compare_frames) else null
    }

    private fun show(comparison: Comparison) {
        val longest = maxOf(comparison.routedNs, comparison.allExpertsNs)
        val (routed, all) = rows.rows(2, R.layout.row_bar)
        show(routed, R.string.compare_routed, comparison.routedNs, longest, R.color.accent)
        show(all, R.string.compare_all, comparison.allExpertsNs, longest, R.color.bar_quiet)
        val times = words.figure(comparison.allExpertsNs.toDouble() / comparison.routedNs)
        val verdict =
            if (comparison.isSameAnswer) {
                context.getString(R.string.compare_same, times)
            } else {
                context.getString(R.string.compare_other, times, comparison.top?.label)
            }
        sentence.text = "$verdict ${context.getString(R.string.compare_runs, comparison.runs)}"
    }

    private fun show(
        row: View,
        name: Int,
        ns: Long,
        longest: Long,
        colour: Int,
    ) {
        row.findViewById<TextView>(R.id.row_name).setText(name)
        row.findViewById<TextView>(R.id.row_value).text = words.duration(ns)
        row.findViewById<BarView>(R.id.row_bar).show(ns.toFloat() / longest, context.getColor(colour))
        row.contentDescription = context.getString(R.string.compare_spoken, context.getString(name), words.duration(ns))
    }
}
