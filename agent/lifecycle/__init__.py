"""The support catalogue: until when software is supported, and how that knowledge is renewed."""
