"""What callers import, a folder for each area; areas never import each other."""
