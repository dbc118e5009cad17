"""What clients do to a proxy, one file each, and what is measured while they do it."""
