"""What released numbers tell together, and which of them to hide."""
