"""/v1/classes: classes that are kept, from one assignment to the next."""
