"""Segue: one memory and one set of rules behind all channels of a retailer's customer journeys."""
