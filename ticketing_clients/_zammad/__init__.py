"""How Zammad is asked, for its client in `zammad.py`."""
