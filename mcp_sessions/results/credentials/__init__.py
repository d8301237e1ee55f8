"""Credentials in strangers' text: found on a folded copy, masked in the original."""
