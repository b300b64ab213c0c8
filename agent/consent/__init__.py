"""What may leave the host: levels, the record and IT's signed file, and the gate that every channel asks."""
