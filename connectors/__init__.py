"""Built-in connectors: one provider each, importing nothing of ours but `segue.contract`."""
