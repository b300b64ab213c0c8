"""How Zendesk is asked, and what its answers mean."""
