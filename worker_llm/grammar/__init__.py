"""Checks sentences by proposing small edits and judging each sentence that they make; no model writes a correction."""
