"""How clearly the words of a known text were said: sounds, their alignment with a recording, and figures from it."""
