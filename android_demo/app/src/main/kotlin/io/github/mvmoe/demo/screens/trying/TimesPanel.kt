package io.github.mvmoe.demo.screens.trying

import android.content.res.ColorStateList
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Explanation
import io.github.mvmoe.demo.answering.TimePart
import io.github.mvmoe.demo.answering.Work
import io.github.mvmoe.demo.screens.Words
import io.github.mvmoe.demo.screens.rows
import io.github.mvmoe.demo.views.StackedBar

/** A bar of what the prediction's time was needed for, and the numbers. */
internal class TimesPanel(
    view: View,
) {
    private val context = view.context
    private val words = Words(context)
    private val total = view.findViewById<TextView>(R.id.total_time)
    private val bar = view.findViewById<StackedBar>(R.id.time_bar)
    private val parts = view.findViewById<ViewGroup>(R.id.time_parts)

    fun show(explanation: Explanation) {
        total.text = words.duration(explanation.totalNs)
        bar.show(explanation.parts.map { StackedBar.Part(it.ns.toFloat(), colour(it.work)) })
        bar.contentDescription = spoken(explanation)
        for ((row, part) in parts.rows(explanation.parts.size, R.layout.row_part).zip(explanation.parts)) show(row, part)
    }

    private fun show(
        row: View,
        part: TimePart,
    ) {
        row.findViewById<View>(R.id.part_colour).backgroundTintList = ColorStateList.valueOf(colour(part.work))
        row.findViewById<TextView>(R.id.part_name).setText(nameOf(part.work))
        row.findViewById<TextView>(R.id.part_time).text = words.duration(part.ns)
    }

    private fun spoken(explanation: Explanation): String {
        val parts =
            explanation.parts.joinToString {
                context.getString(
                    R.string.time_part_spoken,
                    context.getString(nameOf(it.work)),
                    words.duration(it.ns),
                )
            }
        return context.getString(R.string.time_spoken, words.duration(explanation.totalNs), parts)
    }

    private fun colour(work: Work): Int =
        context.getColor(
            when (work) {
                Work.PREPROCESS -> R.color.part_preprocess
                Work.STEM -> R.color.part_stem
                Work.SELECT -> R.color.part_select
                Work.LOAD -> R.color.part_load
                Work.EXPERT -> R.color.part_expert
                Work.REST -> R.color.part_rest
            },
        )

    private fun nameOf(work: Work): Int =
        when (work) {
            Work.PREPROCESS -> R.string.work_preprocess
            Work.STEM -> R.string.work_stem
            Work.SELECT -> R.string.work_select
            Work.LOAD -> R.string.work_load
            Work.EXPERT -> R.string.work_expert
            Work.REST -> R.string.work_rest
        }
}
