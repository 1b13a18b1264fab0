"""/v1/lessons: recordings of lessons over HTTP."""
