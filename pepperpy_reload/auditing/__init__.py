"""The audit: a reloaded process compared with a fresh start, and what is only state told apart."""
