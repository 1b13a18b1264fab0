"""How many workers and GPUs a class needs, and when its homework will be answered."""
