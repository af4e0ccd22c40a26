package io.github.mvmoe.demo.views

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import io.github.mvmoe.LoadState
import io.github.mvmoe.demo.R
import kotlin.math.ceil

/**
 * A block of the map.
 *
 * @property text what is written into it: the numbers of the experts.
 */
internal class ExpertBlock(
    val text: String,
    val state: LoadState,
    val isPinned: Boolean,
)

/**
 * A block for each expert: filled where it is in memory, with a thick edge where it is pinned.
 *
 * What it shows has to be said in its content description, too.
 */
internal class ExpertsMap(
    context: Context,
    attributes: AttributeSet?,
) : View(context, attributes) {
    private val density = resources.displayMetrics.density
    private val block = BLOCK_DP * density
    private val gap = GAP_DP * density
    private val fill = Paint(Paint.ANTI_ALIAS_FLAG)
    private val edge = Paint(Paint.ANTI_ALIAS_FLAG).apply { style = Paint.Style.STROKE }
    private val words = Paint(Paint.ANTI_ALIAS_FLAG).apply { textAlign = Paint.Align.CENTER }
    private val place = RectF()

    /** What is drawn, in order. */
    var blocks: List<ExpertBlock> = emptyList()
        set(value) {
            val isAsLarge = field.size == value.size
            field = value
            if (isAsLarge) invalidate() else requestLayout()
        }

    override fun onMeasure(
        widthSpec: Int,
        heightSpec: Int,
    ) {
        val width = resolveSize(((block + gap) * blocks.size).toInt() + paddingLeft + paddingRight, widthSpec)
        val rows = ceil(blocks.size / columns(width).toFloat())
        setMeasuredDimension(width, resolveSize((rows * (block + gap)).toInt() + paddingTop + paddingBottom, heightSpec))
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val columns = columns(width)
        blocks.forEachIndexed { number, drawn ->
            val left = paddingLeft + number % columns * (block + gap)
            val top = paddingTop + number / columns * (block + gap)
            place.set(left + gap / 2, top + gap / 2, left + gap / 2 + block, top + gap / 2 + block)
            draw(canvas, drawn)
        }
    }

    private fun columns(width: Int) = maxOf(1, ((width - paddingLeft - paddingRight) / (block + gap)).toInt())

    private fun draw(
        canvas: Canvas,
        drawn: ExpertBlock,
    ) {
        val color = context.getColor(colorOf(drawn.state))
        val isFilled = drawn.state == LoadState.READY
        val round = ROUND_DP * density
        if (isFilled) canvas.drawRoundRect(place, round, round, fill.apply { this.color = color })
        drawEdge(canvas, drawn, color, round)
        words.color = if (isFilled) context.getColor(R.color.on_accent) else color
        words.textSize = minOf(TEXT_DP * density, TEXT_WIDTH * block / maxOf(1, drawn.text.length))
        canvas.drawText(drawn.text, place.centerX(), place.centerY() - (words.ascent() + words.descent()) / 2, words)
    }

    private fun drawEdge(
        canvas: Canvas,
        drawn: ExpertBlock,
        color: Int,
        round: Float,
    ) {
        edge.color = color
        edge.strokeWidth = (if (drawn.isPinned) PINNED_DP else EDGE_DP) * density
        // Around the block, so that it is seen on one that is filled.
        val outside = if (drawn.isPinned) gap / 2 - edge.strokeWidth / 2 else -edge.strokeWidth / 2
        place.inset(-outside, -outside)
        canvas.drawRoundRect(place, round + outside, round + outside, edge)
        place.inset(outside, outside)
    }

    private companion object {
        const val BLOCK_DP = 34f
        const val GAP_DP = 12f
        const val ROUND_DP = 6f
        const val EDGE_DP = 1.5f
        const val PINNED_DP = 3f
        const val TEXT_DP = 15f

        /** How wide a text may be: of the block's width, as if each letter took two thirds of its height. */
        const val TEXT_WIDTH = 1.3f

        fun colorOf(state: LoadState) =
            when (state) {
                LoadState.READY -> R.color.accent
                LoadState.LOADING -> R.color.part_load
                LoadState.FAILED -> R.color.error
                LoadState.UNLOADED, LoadState.MAPPED -> R.color.part_rest
            }
    }
}
