"""Draws the pictures of docs/diagrams/ anew: after a change of the tables or of the layers."""

from .diagrams import FOLDER, drawings

if __name__ == "__main__":
    for name, drawing in drawings().items():
        (FOLDER / name).write_text(drawing, encoding="utf-8")
