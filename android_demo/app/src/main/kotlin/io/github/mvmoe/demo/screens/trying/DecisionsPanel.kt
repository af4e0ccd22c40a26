package io.github.mvmoe.demo.screens.trying

import android.graphics.Typeface
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.ExpertScore
import io.github.mvmoe.demo.answering.RouterDecision
import io.github.mvmoe.demo.screens.Words
import io.github.mvmoe.demo.screens.rows
import io.github.mvmoe.demo.screens.showSentence
import io.github.mvmoe.demo.views.BarView

/** What each router wanted: a bar for each expert, those that were chosen marked. */
internal class DecisionsPanel(
    view: View,
) {
    private val context = view.context
    private val words = Words(context)
    private val decisions = view.findViewById<ViewGroup>(R.id.decisions)

    fun show(stages: List<RouterDecision>) {
        if (stages.isEmpty()) return showNoRouter()
        for ((part, decision) in decisions.rows(stages.size, R.layout.part_decision).zip(stages)) {
            show(part, decision, isOneOfSeveral = stages.size > 1)
        }
    }

    private fun showNoRouter() {
        val part = decisions.rows(1, R.layout.part_decision).single()
        part.findViewById<TextView>(R.id.decision_rule).text = context.getString(R.string.why_no_router)
        part.findViewById<ViewGroup>(R.id.decision_experts).removeAllViews()
        part.findViewById<TextView>(R.id.decision_more).showSentence(null)
    }

    private fun show(
        part: View,
        decision: RouterDecision,
        isOneOfSeveral: Boolean,
    ) {
        val shown = decision.shown(MOST_EXPERTS)
        part.findViewById<TextView>(R.id.decision_rule).text = ruleOf(decision, isOneOfSeveral)
        for ((row, expert) in part
            .findViewById<ViewGroup>(
                R.id.decision_experts,
            ).rows(shown.size, R.layout.row_bar)
            .zip(shown)) {
            show(row, expert)
        }
        part.findViewById<TextView>(R.id.decision_more).showSentence(moreOf(decision, decision.experts.size - shown.size))
    }

    private fun ruleOf(
        decision: RouterDecision,
        isOneOfSeveral: Boolean,
    ): String {
        val route = words.experts(decision.route)
        val sentence =
            if (decision.experts.isEmpty()) {
                context.getString(R.string.why_given, route)
            } else {
                context.getString(R.string.why_rule, decision.rule, route)
            }
        return if (isOneOfSeveral) context.getString(R.string.why_stage, decision.stage, sentence) else sentence
    }

    private fun moreOf(
        decision: RouterDecision,
        hidden: Int,
    ): String? {
        // A margin is of the largest change that any two logits make together: each may change by half of it.
        val margin = decision.margin?.let { context.getString(R.string.why_margin, words.figure(it / 2)) }
        val more = if (hidden > 0) context.getString(R.string.why_more, hidden) else null
        return listOfNotNull(more, margin).joinToString(" ").ifEmpty { null }
    }

    private fun show(
        row: View,
        expert: ExpertScore,
    ) {
        val name = row.findViewById<TextView>(R.id.row_name)
        val value = row.findViewById<TextView>(R.id.row_value)
        val (score, logit) = words.percent(expert.score) to words.figure(expert.logit.toDouble())
        name.text = context.getString(if (expert.isChosen) R.string.score_chosen else R.string.score_name, expert.expert)
        value.text = score
        for (text in listOf(name, value)) text.typeface = if (expert.isChosen) Typeface.DEFAULT_BOLD else Typeface.DEFAULT
        row.findViewById<BarView>(R.id.row_bar).show(
            expert.score.toFloat(),
            context.getColor(if (expert.isChosen) R.color.accent else R.color.bar_quiet),
        )
        val spoken = if (expert.isChosen) R.string.score_chosen_spoken else R.string.score_spoken
        row.contentDescription = context.getString(spoken, expert.expert, score, logit)
    }

    private companion object {
        const val MOST_EXPERTS = 10
    }
}
