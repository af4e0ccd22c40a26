package io.github.mvmoe.demo.views

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout
import io.github.mvmoe.demo.R

/** As high as it is wide, but no higher than the screen has room for: a phone that lies is not high. */
class SquareFrame(
    context: Context,
    attributes: AttributeSet,
) : FrameLayout(context, attributes) {
    private val most = resources.getDimensionPixelSize(R.dimen.image_most)

    init {
        // A picture has the background's round corners, too.
        clipToOutline = true
    }

    override fun onMeasure(
        width: Int,
        height: Int,
    ) {
        val side = minOf(MeasureSpec.getSize(width), most)
        val exactly = MeasureSpec.makeMeasureSpec(side, MeasureSpec.EXACTLY)
        super.onMeasure(exactly, exactly)
    }
}
