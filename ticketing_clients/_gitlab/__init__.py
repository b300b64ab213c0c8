"""How GitLab is asked, for its client in `gitlab.py`."""
