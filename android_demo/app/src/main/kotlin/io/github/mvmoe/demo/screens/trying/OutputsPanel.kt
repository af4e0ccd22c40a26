package io.github.mvmoe.demo.screens.trying

import android.view.View
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.answering.OtherOutput
import io.github.mvmoe.demo.screens.Words
import io.github.mvmoe.demo.screens.showIf

/** What the model gives beside the class. Boxes and masks are drawn over the picture too. */
internal class OutputsPanel(
    view: View,
) {
    private val context = view.context
    private val words = Words(context)
    private val card = view.findViewById<View>(R.id.outputs_card)
    private val lines = view.findViewById<TextView>(R.id.outputs)

    fun show(outputs: List<OtherOutput>) {
        card.showIf(outputs.isNotEmpty())
        lines.text = outputs.joinToString("\n") { context.getString(R.string.output_line, it.name, it.kind, foundIn(it)) }
    }

    private fun foundIn(output: OtherOutput): String =
        if (output.found.isEmpty()) {
            context.getString(R.string.output_shape, output.shape.joinToString(" × "))
        } else {
            output.found.joinToString { context.getString(R.string.output_share, it.label, words.percent(it.probability)) }
        }
}
