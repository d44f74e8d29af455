"""What fresh interpreters say: a repository's history replayed, and what a save would do."""
