"""What the page says. Edit the next line, save, and look at the page."""

GREETING = "Hello, world!"
COLOUR = "#0a7d5a"
