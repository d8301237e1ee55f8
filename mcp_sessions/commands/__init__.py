"""The commands a person types, beside the servers."""
