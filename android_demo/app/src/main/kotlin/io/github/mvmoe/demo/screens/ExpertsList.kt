package io.github.mvmoe.demo.screens

import android.text.format.DateFormat
import android.text.format.Formatter
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.ListView
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.experts.ExpertMemory
import io.github.mvmoe.demo.experts.ExpertNames
import io.github.mvmoe.demo.experts.ExpertsModel
import io.github.mvmoe.demo.experts.ExpertsSnapshot
import io.github.mvmoe.demo.experts.LoadChange
import io.github.mvmoe.demo.experts.LoadEvent
import io.github.mvmoe.demo.views.ExpertBlock
import io.github.mvmoe.demo.views.ExpertsMap
import java.text.SimpleDateFormat
import java.util.Date

/** The views for one model: a map of its experts and the controls, a row for each expert, and the log. */
internal class ExpertsList(
    parent: ViewGroup,
    private val model: ExpertsModel,
) {
    private val context = parent.context
    private val resources = context.resources
    private val list = LayoutInflater.from(context).inflate(R.layout.screen_experts, parent, false) as ListView
    private val header = LayoutInflater.from(context).inflate(R.layout.experts_header, list, false)
    private val footer = LayoutInflater.from(context).inflate(R.layout.experts_footer, list, false)
    private val words = Words(context)
    private val names = ExpertNames(resources, model.experts)
    private val byKey = model.experts.associateBy { it.key }
    private val rows = ExpertRows(context, names, model::pin)
    private val limits = LimitSliders(header, model)
    private val times = SimpleDateFormat(pattern(), resources.configuration.locales[0])

    init {
        parent.addView(list)
        list.addHeaderView(header, null, false)
        list.addFooterView(footer, null, false)
        list.adapter = rows
        header.findViewById<View>(R.id.experts_load).setOnClickListener { model.load() }
        header.findViewById<View>(R.id.experts_release).setOnClickListener { model.release() }
    }

    fun show(now: ExpertsSnapshot) {
        header.findViewById<TextView>(R.id.experts_summary).text = summaryOf(now)
        header.findViewById<TextView>(R.id.experts_explanation).text = explanationOf(now)
        showMap(now)
        // Where nothing comes and goes there is nothing to limit.
        header.findViewById<View>(R.id.experts_controls).showIf(now.memory == ExpertMemory.LOADED)
        limits.show(now.residency)
        val message = listOfNotNull(now.error) + now.notes
        header.findViewById<TextView>(R.id.experts_message).showSentence(message.joinToString("\n").ifEmpty { null })
        rows.rows = now.rows
        showEvents(now)
    }

    private fun summaryOf(now: ExpertsSnapshot): String =
        when (now.memory) {
            ExpertMemory.LOADED -> {
                resources.getString(R.string.experts_summary, now.inMemory, now.rows.size, size(now.bytesInMemory), size(now.bytes))
            }

            ExpertMemory.MAPPED -> {
                resources.getString(R.string.experts_summary_mapped, now.rows.size, size(now.bytes))
            }

            ExpertMemory.TOGETHER -> {
                resources.getString(R.string.experts_summary_together)
            }
        }

    private fun explanationOf(now: ExpertsSnapshot): String =
        resources.getString(
            when (now.memory) {
                ExpertMemory.LOADED -> R.string.experts_explanation_loaded
                ExpertMemory.MAPPED -> R.string.experts_explanation_mapped
                ExpertMemory.TOGETHER -> R.string.experts_explanation_together
            },
            model.target,
            model.engine,
            model.strategy,
        )

    private fun showMap(now: ExpertsSnapshot) {
        header.findViewById<ExpertsMap>(R.id.experts_map).apply {
            blocks = now.rows.map { ExpertBlock(ExpertNames.numbersOf(it.expert.route), it.state, it.isPinned) }
            contentDescription =
                resources.getString(
                    R.string.experts_map_description,
                    names.listOf(now.rows.filter { it.isInMemory }.map { it.expert }),
                    names.listOf(now.rows.filter { it.isPinned }.map { it.expert }),
                )
            showIf(now.rows.isNotEmpty())
        }
    }

    private fun showEvents(now: ExpertsSnapshot) {
        footer.findViewById<View>(R.id.experts_log).showIf(now.memory == ExpertMemory.LOADED)
        footer.findViewById<TextView>(R.id.experts_events).text =
            if (now.events.isEmpty()) {
                resources.getString(R.string.experts_log_empty)
            } else {
                now.events.joinToString("\n", transform = ::told)
            }
    }

    private fun told(event: LoadEvent): String {
        val name = byKey[event.graph]?.let(names::nameOf) ?: event.graph
        val time = times.format(Date(event.atMs))
        return when (event.change) {
            LoadChange.LOADED -> {
                event.tookNs?.let { resources.getString(R.string.experts_log_loaded, time, name, words.duration(it)) }
                    ?: resources.getString(R.string.experts_log_loaded_untimed, time, name)
            }

            LoadChange.RELEASED -> {
                resources.getString(R.string.experts_log_released, time, name)
            }

            LoadChange.FAILED -> {
                resources.getString(R.string.experts_log_failed, time, name)
            }
        }
    }

    /** Hours to seconds, as the user has them. */
    private fun pattern() =
        DateFormat.getBestDateTimePattern(resources.configuration.locales[0], if (DateFormat.is24HourFormat(context)) "Hms" else "hms")

    private fun size(bytes: Long) = Formatter.formatShortFileSize(context, bytes)
}
