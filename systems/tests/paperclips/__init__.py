"""A made-up room of a few lines: the contract, and not any real system, is what the engines work with."""
