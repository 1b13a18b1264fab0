"""Study plans: a request for one, the questions before it where little is known, and the plan itself."""
