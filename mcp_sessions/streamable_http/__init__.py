"""The Streamable HTTP transport: many callers on one socket."""
