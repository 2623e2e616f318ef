"""How days and moments are written where a sentence holds them: one way in every language, largest unit first."""
