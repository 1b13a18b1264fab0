"""Classes that are kept: their pupils, who stay the same from one assignment to the next, and what they achieve."""
