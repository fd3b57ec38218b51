"""Tables: what stands in their cells, each table, and the formats they are written in."""
