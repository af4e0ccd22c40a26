package io.github.mvmoe.demo.screens

import android.view.LayoutInflater
import android.view.View
import android.widget.CheckBox
import android.widget.LinearLayout
import android.widget.RadioGroup
import android.widget.TextView
import io.github.mvmoe.demo.R
import io.github.mvmoe.demo.bench.BenchChoice
import io.github.mvmoe.demo.bench.BenchLength
import io.github.mvmoe.demo.bench.BenchOption
import io.github.mvmoe.demo.bench.Missing

/**
 * Where the user chooses what is measured, and for how long.
 *
 * @param changed is told when something was ticked or unticked.
 */
internal class BenchChoiceCard(
    screen: View,
    private val choice: BenchChoice,
    private val changed: () -> Unit,
) {
    private val resources = screen.resources
    private val list = screen.findViewById<LinearLayout>(R.id.bench_options)
    private val lengths = screen.findViewById<RadioGroup>(R.id.bench_length)
    private val means = screen.findViewById<TextView>(R.id.bench_length_means)
    private val inflater = LayoutInflater.from(screen.context)
    private var isEnabled = true

    init {
        lengths.check(BUTTONS.getValue(choice.length))
        sayLength()
        lengths.setOnCheckedChangeListener { _, button ->
            choice.length = BUTTONS.entries.first { it.value == button }.key
            sayLength()
        }
    }

    fun show(options: List<BenchOption>) {
        list.removeAllViews()
        options.forEachIndexed { index, option ->
            val isFirst = options.getOrNull(index - 1)?.subject?.target != option.subject.target
            list.addView(viewOf(option, isFirst))
        }
    }

    /** Nothing is chosen while a run goes on. */
    fun setEnabled(isEnabled: Boolean) {
        if (this.isEnabled == isEnabled) return
        this.isEnabled = isEnabled
        for (index in 0 until lengths.childCount) lengths.getChildAt(index).isEnabled = isEnabled
        for (index in 0 until list.childCount) {
            val box = list.getChildAt(index).findViewById<CheckBox>(R.id.option_box)
            box.isEnabled = isEnabled && (box.tag as BenchOption).missing == null
        }
    }

    private fun sayLength() {
        means.setText(
            when (choice.length) {
                BenchLength.QUICK -> R.string.bench_quick_means
                BenchLength.THOROUGH -> R.string.bench_thorough_means
                BenchLength.SUSTAINED -> R.string.bench_sustained_means
            },
        )
    }

    /** The first option of a target has the target's name above it. */
    private fun viewOf(
        option: BenchOption,
        isFirst: Boolean,
    ): View {
        val view = inflater.inflate(R.layout.bench_option, list, false)
        val (target, engine) = option.subject.target to engineOf(option)
        view.findViewById<TextView>(R.id.option_target).showSentence(
            resources.getString(R.string.bench_target, target, option.strategy).takeIf { isFirst },
        )
        view.findViewById<CheckBox>(R.id.option_box).apply {
            tag = option
            text = engine
            contentDescription = resources.getString(R.string.bench_option_spoken, target, engine)
            isChecked = option.missing == null && choice.isTicked(option.key)
            isEnabled = this@BenchChoiceCard.isEnabled && option.missing == null
            setOnCheckedChangeListener { _, isTicked ->
                choice.tick(option.key, isTicked)
                changed()
            }
        }
        view.findViewById<TextView>(R.id.option_missing).showSentence(option.missing?.let { why(it, option) })
        return view
    }

    /** `XNNPACK (ONNX Runtime 1.29.0)`; that this is Android, the user knows. */
    private fun engineOf(option: BenchOption): String {
        val variant = option.subject.variant
        val engine = variant.engine.substringBefore(',')
        return variant.provider?.let { resources.getString(R.string.bench_engine, it, engine) } ?: engine
    }

    private fun why(
        missing: Missing,
        option: BenchOption,
    ): String {
        val variant = option.subject.variant
        return when (missing) {
            Missing.NOT_BUILT -> resources.getString(R.string.bench_missing_built, partOf(option))
            Missing.SYSTEM_TOO_OLD -> resources.getString(R.string.bench_missing_system, partOf(option))
            Missing.NO_ENGINE -> resources.getString(R.string.bench_missing_engine, variant.format)
            Missing.SEVERAL_IMAGES -> resources.getString(R.string.bench_missing_batch)
        }
    }

    /** What the build lacks: the provider where it is one of several, else the engine. */
    private fun partOf(option: BenchOption): String {
        val variant = option.subject.variant
        return variant.label.ifEmpty { variant.engine.substringBefore(',') }
    }

    private companion object {
        val BUTTONS: Map<BenchLength, Int> =
            mapOf(
                BenchLength.QUICK to R.id.bench_quick,
                BenchLength.THOROUGH to R.id.bench_thorough,
                BenchLength.SUSTAINED to R.id.bench_ten_minutes,
            )
    }
}
