"""What the client in `webhook.py` tells."""
