"""Journeys: one file each, with what they share in `definition`."""
