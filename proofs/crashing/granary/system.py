from proofs.crashing.dues import room

SYSTEM = room("granary", "postgresql")
