"""How Freshservice is asked, for its client in `freshservice.py`."""
