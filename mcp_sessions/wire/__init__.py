"""What the Everruns API sends, read leniently."""
