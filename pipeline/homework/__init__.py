"""Homework: reading what a class hands in, and finding the student of each recording."""
