"""The teacher: what a language model is asked about a turn or a lesson, and how its reply becomes checked feedback."""
