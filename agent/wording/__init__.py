"""Wording: every sentence a customer reads, as templates and remedies, and what turns facts into them.

Templates say what stands where in a tiny line format (`lines`), rules bring their sentences (`templates/rules/`), remedies
are data (`remedies/`), `say.j2` puts dates and amounts into words. The text is English and marked for gettext, so that a
language is a catalogue (`languages/`). Putting into words (`words`) is for the courier and for commands,
never for the resident daemon, which only checks that languages and remedies are there.
"""
