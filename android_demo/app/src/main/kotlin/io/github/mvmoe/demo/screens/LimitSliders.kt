package io.github.mvmoe.demo.screens

import android.text.format.Formatter
import android.view.View
import android.widget.SeekBar
import android.widget.TextView
import io.github.mvmoe.Residency
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.experts.BudgetScale
import io.github.mvmoe.demo.experts.ExpertsModel

/** The sliders that limit how much is in memory. What they say acts at once, while a finger moves them, too. */
internal class LimitSliders(
    header: View,
    private val model: ExpertsModel,
) {
    private val context = header.context
    private val experts =
        Slider(header.findViewById(R.id.experts_most), header.findViewById(R.id.experts_most_text), R.string.experts_most_is)
    private val bytes =
        Slider(header.findViewById(R.id.experts_bytes), header.findViewById(R.id.experts_bytes_text), R.string.experts_bytes_is)

    init {
        experts.control(model.expertLimits, Int::toString, model::limitExperts)
        bytes.control(model.byteLimits, { Formatter.formatShortFileSize(context, it) }, model::limitBytes)
    }

    fun show(residency: Residency) {
        experts.show(model.expertLimits, residency.maxExperts, Int::toString)
        bytes.show(model.byteLimits, residency.maxBytes) { Formatter.formatShortFileSize(context, it) }
    }

    private class Slider(
        private val bar: SeekBar,
        private val text: TextView,
        private val words: Int,
    ) {
        fun <N : Comparable<N>> control(
            scale: BudgetScale<N>,
            told: (N) -> String,
            limit: (N?) -> Unit,
        ) {
            bar.max = scale.last
            bar.isEnabled = scale.last > 0
            bar.setOnSeekBarChangeListener(
                object : SeekBar.OnSeekBarChangeListener {
                    override fun onProgressChanged(
                        bar: SeekBar,
                        place: Int,
                        isByUser: Boolean,
                    ) {
                        if (!isByUser) return
                        say(scale.limit(place)?.let(told))
                        limit(scale.limit(place))
                    }

                    override fun onStartTrackingTouch(bar: SeekBar) = Unit

                    override fun onStopTrackingTouch(bar: SeekBar) = Unit
                },
            )
        }

        fun <N : Comparable<N>> show(
            scale: BudgetScale<N>,
            limit: N?,
            told: (N) -> String,
        ) {
            // A finger on the slider is ahead of what was done.
            if (!bar.isPressed) {
                bar.progress = scale.place(limit)
                say(limit?.let(told))
            }
        }

        private fun say(limit: String?) {
            val resources = text.resources
            val told =
                if (limit ==
                    null
                ) {
                    resources.getString(R.string.experts_without_limit)
                } else {
                    resources.getString(R.string.experts_at_most, limit)
                }
            text.text = resources.getString(words, told)
        }
    }
}
