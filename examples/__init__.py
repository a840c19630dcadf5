"""Applications to copy and change: Flask, FastAPI, and a worker that books a broker's feed."""
