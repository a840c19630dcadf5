"""The schema of each database: yoyo migrations, applied whole or not at all."""
