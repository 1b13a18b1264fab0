"""/v1/assignments: homework over HTTP."""
