"""Lesson segmentation: a recording of minutes to hours in, its speaker turns out, each a job of its own."""
