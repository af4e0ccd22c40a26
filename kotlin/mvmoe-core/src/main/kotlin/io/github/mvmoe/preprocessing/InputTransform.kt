package io.github.mvmoe.preprocessing

/**
 * Where the input lies in the upright image (`docs/bundle.md`, *Back to the image*).
 *
 * @property imageWidth of the upright image, in pixels.
 * @property imageHeight of the upright image, in pixels.
 * @property resizedWidth the size that all of the image is resized to.
 * @property resizedHeight the size that all of the image is resized to.
 * @property left the column of the resized image at which the input begins; negative where padding comes first.
 * @property top the row of the resized image at which the input begins.
 */
public class InputTransform(
    public val imageWidth: Int,
    public val imageHeight: Int,
    public val resizedWidth: Int,
    public val resizedHeight: Int,
    public val left: Int,
    public val top: Int,
)
