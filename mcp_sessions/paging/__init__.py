"""Pages of the session list, over an API that has only offsets."""
