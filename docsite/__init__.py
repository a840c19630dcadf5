"""What the pages of docs/ need beside their text: `python -m docsite` draws their pictures anew."""
