"""The Everruns API client."""
