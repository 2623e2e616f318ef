"""Whether the ledgers and the console tell the same story, asked in both directions. It never posts anything."""
