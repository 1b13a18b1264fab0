"""Kokoro-82M: Chinese, with English words in it, in one voice on a CPU."""
