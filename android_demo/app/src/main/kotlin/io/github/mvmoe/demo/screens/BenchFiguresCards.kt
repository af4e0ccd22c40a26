package io.github.mvmoe.demo.screens

import android.text.format.Formatter
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.SubjectSnapshot
import io.github.mvmoe.demo.views.ChartData
import io.github.mvmoe.demo.views.ChartSeries
import io.github.mvmoe.demo.views.LineChart
import io.github.mvmoe.demo.views.SeriesMark

/** The figures of a run: a chart of all subjects with a row for each, and a card for each that answered without a pause. */
internal class BenchFiguresCards(
    screen: View,
) {
    private val context = screen.context
    private val resources = screen.resources
    private val words = Words(context)
    private val card = screen.findViewById<View>(R.id.bench_figures)
    private val chart = screen.findViewById<LineChart>(R.id.bench_chart)
    private val rows = screen.findViewById<ViewGroup>(R.id.bench_subjects)
    private val sustained = screen.findViewById<ViewGroup>(R.id.bench_sustained)

    fun show(subjects: List<SubjectSnapshot>) {
        card.showIf(subjects.isNotEmpty())
        showChart(subjects)
        rows.rows(subjects.size, R.layout.bench_subject).zip(subjects).forEachIndexed { number, (row, it) -> showRow(row, number, it) }
        val numbered = subjects.withIndex().filter { it.value.sustained != null }
        sustained.rows(numbered.size, R.layout.bench_sustained).zip(numbered).forEach { (card, it) ->
            SustainedCard(card).show(it.index, it.value)
        }
    }

    private fun showChart(subjects: List<SubjectSnapshot>) {
        val most = subjects.maxOfOrNull { it.answers } ?: 0
        chart.unit = resources.getString(R.string.bench_unit)
        chart.end = if (most == 0) "" else resources.getString(R.string.bench_latency_end, most)
        chart.data = ChartData(maxOf(1.0, most - 1.0), subjects.mapIndexed { number, it -> ChartSeries(number, it.latency) })
        chart.contentDescription =
            resources.getString(R.string.bench_latency_spoken, subjects.joinToString(". ") { "${it.key}: ${medianOf(it)}" })
    }

    private fun showRow(
        row: View,
        number: Int,
        subject: SubjectSnapshot,
    ) {
        row.findViewById<TextView>(R.id.subject_name).apply {
            text = subject.key
            if (tag != number) setCompoundDrawablesRelativeWithIntrinsicBounds(SeriesMark(context, number), null, null, null)
            tag = number
        }
        row.findViewById<TextView>(R.id.subject_figures).text = figuresOf(subject)
        row.findViewById<TextView>(R.id.subject_check).showSentence(subject.check?.replaceFirstChar(Char::uppercase))
        row.findViewById<TextView>(R.id.subject_failure).showSentence(
            subject.failure?.let { resources.getString(R.string.bench_refused, it) },
        )
    }

    private fun figuresOf(subject: SubjectSnapshot): String =
        listOfNotNull(
            medianOf(subject),
            subject.addedBytes?.takeIf { it > 0 }?.let { resources.getString(R.string.bench_adds, size(it)) },
            subject.peakBytes?.let { resources.getString(R.string.bench_peak, size(it)) },
        ).joinToString(", ")

    private fun medianOf(subject: SubjectSnapshot): String =
        subject.medianNs?.let { resources.getString(R.string.bench_median, words.duration(it), subject.answers) }
            ?: resources.getString(R.string.bench_no_answers)

    private fun size(bytes: Long) = Formatter.formatShortFileSize(context, bytes)
}
