"""Running what the user named: finding it, importing it, serving it, and replacing it while it runs."""
