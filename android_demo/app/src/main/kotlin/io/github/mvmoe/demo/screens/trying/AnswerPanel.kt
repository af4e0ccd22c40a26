package io.github.mvmoe.demo.screens.trying

import android.view.View
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.Explanation
import io.github.mvmoe.demo.answering.Source
import io.github.mvmoe.demo.answering.TrialState
import io.github.mvmoe.demo.screens.Words
import io.github.mvmoe.demo.screens.showSentence

/** The class, how likely it is, and by which expert. */
internal class AnswerPanel(
    view: View,
) {
    private val context = view.context
    private val words = Words(context)
    private val answer = view.findViewById<TextView>(R.id.answer)
    private val probability = view.findViewById<TextView>(R.id.probability)
    private val more = view.findViewById<TextView>(R.id.answer_more)

    fun show(state: TrialState) {
        val explanation = state.explanation
        if (explanation == null) showNone(state) else show(explanation)
    }

    private fun show(explanation: Explanation) {
        val best = explanation.top.firstOrNull()
        val experts = words.way(explanation.stages.map { it.route })
        val label = best?.label ?: context.getString(R.string.answer_no_class)
        val share = best?.let { words.percent(it.probability) }
        if (label != answer.text.toString()) {
            answer.text = label
            // Said by TalkBack; a camera's frames of one and the same thing are one answer.
            answer.contentDescription = if (share == null) label else context.getString(R.string.answer_spoken, label, share, experts)
        }
        probability.showSentence(share)
        more.showSentence(
            if (best == null) {
                context.getString(R.string.answer_no_class_more)
            } else {
                context.getString(R.string.answer_by, experts, words.duration(explanation.totalNs))
            },
        )
    }

    private fun showNone(state: TrialState) {
        answer.text = ""
        answer.contentDescription = null
        probability.showSentence(null)
        more.showSentence(if (state.error != null) null else context.getString(hint(state)))
    }

    private fun hint(state: TrialState): Int =
        when {
            state.isAnswering -> R.string.answering
            state.source == Source.DRAW -> R.string.answer_waiting_draw
            state.source == Source.PHOTO -> R.string.answer_waiting_photo
            state.frame == null -> R.string.camera_waiting
            else -> R.string.answer_waiting_camera
        }
}
