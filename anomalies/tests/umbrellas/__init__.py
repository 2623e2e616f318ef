"""A room whose source is not connected."""
