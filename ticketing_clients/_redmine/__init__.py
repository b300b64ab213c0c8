"""How Redmine is asked, for its client in `redmine.py`."""
