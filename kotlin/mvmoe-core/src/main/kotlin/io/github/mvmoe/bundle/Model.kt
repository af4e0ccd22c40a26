package io.github.mvmoe.bundle

/**
 * The model that was exported, and its size.
 *
 * @property family the kind of network: `mobile_vmoe`.
 * @property name the model's own name.
 * @property paramsTotal all parameters.
 * @property paramsActive parameters that one image uses.
 * @property macs multiply-accumulates of one image.
 */
public class Model internal constructor(
    public val family: String,
    public val name: String,
    public val paramsTotal: Long,
    public val paramsActive: Long,
    public val macs: Long,
)
