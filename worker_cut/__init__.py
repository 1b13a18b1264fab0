"""A lesson's recording in, its turns out, each a job of its own."""
