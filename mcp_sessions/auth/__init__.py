"""Who is calling over HTTP: bearer tokens, an OAuth issuer's tokens, and tenants."""
