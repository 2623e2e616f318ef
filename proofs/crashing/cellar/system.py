from proofs.crashing.dues import room

SYSTEM = room("cellar", "sqlite")
