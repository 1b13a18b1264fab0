"""Checkpoints of the large teachers' architectures with random weights, small enough to be made in seconds.

They load, run and are batched as the real ones; what they say is noise.
"""
