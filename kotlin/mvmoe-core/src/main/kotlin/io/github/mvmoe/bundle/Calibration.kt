package io.github.mvmoe.bundle

/** The images by which a recipe has found the ranges of what layers take. */
internal class Calibration(
    val images: Long,
    /** Of the images' inputs. */
    val sha256: String,
    /** For each routed stage how many of the images took each expert. */
    val routed: List<List<Long>>,
    /** For each routed stage how many were sent to each expert besides, because those were too few. */
    val forced: List<List<Long>>,
)
