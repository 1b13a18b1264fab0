"""/v1/learners: the mistake ledgers over HTTP."""
