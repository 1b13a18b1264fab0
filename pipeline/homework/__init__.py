"""Homework: whose the recordings are that a class hands in, and what is taken out of the files in which they come."""
