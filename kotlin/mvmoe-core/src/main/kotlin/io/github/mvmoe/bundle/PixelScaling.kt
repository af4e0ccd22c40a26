package io.github.mvmoe.bundle

/**
 * Says that an input takes an image as it is: the graph computes `pixel * scale + bias` itself.
 *
 * @property channelOrder the order of the image's channels.
 * @property scale a factor above 0 for each channel.
 * @property bias a number for each channel.
 */
public class PixelScaling internal constructor(
    public val channelOrder: ChannelOrder,
    public val scale: List<Double>,
    public val bias: List<Double>,
)
