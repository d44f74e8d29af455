"""The import system: finds, times and records what is imported, and by whom."""
