"""The health report: what a period was like, what was prevented, and what is coming, as one file for the customer."""
