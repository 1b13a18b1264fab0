"""The lesson card: one audio file with the learner's own words, the better sentences and a pause to repeat each."""
