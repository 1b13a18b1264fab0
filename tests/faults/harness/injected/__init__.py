"""What the tests start in place of the real models: the product's own processes, with engines that obey orders."""

LEAST_S, STEP_S = 0.5, 0.01  # seconds of a recording of utterance 0, and by which that of each next one is longer
