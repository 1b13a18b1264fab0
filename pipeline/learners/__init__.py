"""What the product remembers of a learner beyond single jobs: the mistake ledger."""
