"""What is not posted into a ledger: calls to an outside interface, and what a person does somewhere else."""
