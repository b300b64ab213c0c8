"""On the way to a desk: what is queued, by whom it is taken there, and what is learnt from it."""
