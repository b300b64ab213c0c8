"""How GLPI is asked, for its client in `glpi.py`."""
