"""The stdio transport: one client on stdin and stdout."""
