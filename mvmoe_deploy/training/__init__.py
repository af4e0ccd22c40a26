"""Super-class guided training of Mobile V-MoE (arXiv 2309.04354, section 3.2)."""
