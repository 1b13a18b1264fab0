"""What people type: the `waijiao` command, and `up`, which runs the whole house on this machine."""
