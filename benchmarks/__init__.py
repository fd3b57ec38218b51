"""Speed and memory of the estimation core against other packages: ``make bench``."""
