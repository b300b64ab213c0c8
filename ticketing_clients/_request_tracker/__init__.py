"""How Request Tracker is asked, for its client in `request_tracker.py`."""
