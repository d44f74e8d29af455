"""Acts on this process: one planner, one transaction, whoever asks."""
