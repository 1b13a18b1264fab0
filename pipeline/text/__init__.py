"""Spoken text compared with what was meant: corrections, alignment, counts; and helpers for untrusted text."""
