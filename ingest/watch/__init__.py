"""From a file in a source to a committed fact: sighting, settling, archive, landing."""
