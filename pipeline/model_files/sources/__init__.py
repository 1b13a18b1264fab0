"""Where model files come from: a module for each kind of source."""
