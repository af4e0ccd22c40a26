package io.github.mvmoe.demo.answering

/** A place on the canvas, whose width and height are 1: it stays where it is when the canvas gets another size. */
data class Point(
    val x: Float,
    val y: Float,
)

/** Where the finger went from touching the canvas to leaving it. */
typealias Stroke = List<Point>

/** What was drawn, stroke by stroke. */
data class Drawing(
    val strokes: List<Stroke> = emptyList(),
) {
    val isEmpty: Boolean get() = strokes.isEmpty()

    /** All points, to be written where the system keeps an activity's state: of each stroke how many there are, then x and y of each. */
    fun toFloats(): FloatArray =
        strokes
            .flatMap { stroke -> listOf(stroke.size.toFloat()) + stroke.flatMap { listOf(it.x, it.y) } }
            .toFloatArray()

    companion object {
        /** The drawing that [toFloats] has written. */
        fun of(floats: FloatArray): Drawing {
            val strokes = ArrayList<Stroke>()
            var place = 0
            while (place < floats.size) {
                val first = place + 1
                val points = floats[place].toInt()
                strokes += List(points) { Point(floats[first + 2 * it], floats[first + 2 * it + 1]) }
                place = first + 2 * points
            }
            return Drawing(strokes)
        }
    }
}
