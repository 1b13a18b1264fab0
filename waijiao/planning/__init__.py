"""The `waijiao plan` command: when a class's homework will be done, and by how many workers."""
