"""The first run: what is seen on the host, what is proposed for it, and trying the desk."""
