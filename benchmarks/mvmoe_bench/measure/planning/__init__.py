"""What a run consists of: bundles, subjects, questions, and the jobs that ask them."""
