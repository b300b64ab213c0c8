"""From the file to typed settings, and the plugins and secrets that they name."""
