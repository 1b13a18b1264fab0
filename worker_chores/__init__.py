"""Light work apart from the road of a job."""
