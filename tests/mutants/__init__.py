"""Small mistakes put into the product one by one; `tox run -e mutants` fails if none notices."""
