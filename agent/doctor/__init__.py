"""The doctor: numbered self-checks with hints."""
