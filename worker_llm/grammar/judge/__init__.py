"""Judges sentences by their probability under a small language model, which writes nothing."""
