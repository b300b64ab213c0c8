"""How GitHub is asked, for its client in `github.py`."""
