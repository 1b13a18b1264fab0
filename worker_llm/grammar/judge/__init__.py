"""Which of the proposed sentences is better than the learner's: a language model's score, grammar, refusals."""
