package io.github.mvmoe.bundle

/**
 * The input `[C, H, W]` of the model, and what makes it from an image (`docs/bundle.md`, *Preprocessing*).
 *
 * @property height H, in pixels.
 * @property width W, in pixels.
 * @property channelOrder the order of the channels, and of [mean] and [std].
 * @property resize the rule: `timm`, `torchvision`, `squash`, `border` or `letterbox`.
 * @property cropFraction of the rules `timm`, `squash` and `border`; 1.0 with the others.
 * @property resizeSize of the rule `torchvision`, in pixels; null with the others.
 * @property padLevel of the rule `letterbox`, from 0 to 255; null with the others.
 * @property padPlace of the rule `letterbox`: `around` or `right-bottom`; null with the others.
 * @property padRounding of the rule `letterbox`: `nearest` or `down`; null with the others.
 * @property interpolation `bicubic`, `bilinear`, `nearest` or `lanczos`.
 * @property mean of each channel, of levels from 0 to 1.
 * @property std of each channel, of levels from 0 to 1.
 */
public class InputSpec internal constructor(
    public val height: Int,
    public val width: Int,
    public val channelOrder: ChannelOrder,
    public val resize: String,
    public val cropFraction: Double,
    public val resizeSize: Int?,
    public val padLevel: Int?,
    public val padPlace: String?,
    public val padRounding: String?,
    public val interpolation: String,
    public val mean: List<Double>,
    public val std: List<Double>,
) {
    /** `[C, H, W]`. */
    public val shape: List<Int> get() = listOf(channelOrder.channels, height, width)
}
