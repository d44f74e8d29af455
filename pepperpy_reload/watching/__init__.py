"""File changes, told once and only when the content is different."""
