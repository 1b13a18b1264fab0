"""The question that ends an answer: the language model's own if it is sound, else one of a bank."""
