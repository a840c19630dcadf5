"""What somebody who runs the platform does to its databases."""
