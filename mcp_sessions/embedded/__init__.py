"""A local sessions API to try the server on, and to test it against."""
