"""Benches: how fast Segue is against what the same machine could do at best in the same minute."""
