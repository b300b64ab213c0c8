"""A document in the markups of desks: one file each, which writes the markup and escapes every text for it."""
