import MVMoE

/// The error of an order that cannot be followed as it is (`input.invalid`), in a sentence.
func refused(_ sentence: String) -> MVMoEError { MVMoEError(.inputInvalid, sentence) }
