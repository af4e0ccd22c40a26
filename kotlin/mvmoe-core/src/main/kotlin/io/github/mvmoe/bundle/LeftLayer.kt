package io.github.mvmoe.bundle

/** A layer that was not compressed: its operator, its weight's name, and why; of graphs that differ in weights alone the first has it. */
internal class LeftLayer(
    val graph: String,
    val operator: String,
    val layer: String,
    val reason: String,
)
