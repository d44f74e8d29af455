"""The oracle: portraits of processes, their comparison, and the replay of a repository's history."""
