"""Working: claim a delivery, run its processor, apply what it hands over. Knows nothing of how files land."""
