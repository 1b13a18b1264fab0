"""Checkpoints with the architectures of the large models and random weights, small enough to be made in seconds.

They are loaded, run and batched like the real ones; the text and the speech that they generate is noise.
"""
