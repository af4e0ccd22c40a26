package io.github.mvmoe.bundle

/**
 * The order of an image's channels.
 *
 * @property id its name in a manifest.
 * @property channels how many there are.
 */
public enum class ChannelOrder(
    public val id: String,
    public val channels: Int,
) {
    /** Red, green, blue. */
    RGB("RGB", 3),

    /** Blue, green, red. */
    BGR("BGR", 3),

    /** Grey. */
    L("L", 1),
}
