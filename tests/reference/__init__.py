"""Independent calculations that chiasm's results are compared with."""
