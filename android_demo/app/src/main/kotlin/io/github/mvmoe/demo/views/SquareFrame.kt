package io.github.mvmoe.demo.views

import android.content.Context
import android.util.AttributeSet
import android.widget.FrameLayout

/** As high as it is wide. */
class SquareFrame(
    context: Context,
    attributes: AttributeSet,
) : FrameLayout(context, attributes) {
    override fun onMeasure(
        width: Int,
        height: Int,
    ) {
        super.onMeasure(width, MeasureSpec.makeMeasureSpec(MeasureSpec.getSize(width), MeasureSpec.EXACTLY))
    }
}
