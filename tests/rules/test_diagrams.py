"""The pictures of the documentation show the tables and the layers as they are."""

from xml.etree import ElementTree

import pytest

from docsite.diagrams import FOLDER, drawings
from openalgo_store.settings import DATABASES
from openalgo_store.tables import METADATA

SVG = "{http://www.w3.org/2000/svg}"


def words(name: str) -> list[str]:
    """What is written in a picture."""
    return [each.text or "" for each in ElementTree.parse(FOLDER / name).iter(f"{SVG}text")]


def test_the_pictures_are_what_the_code_draws() -> None:
    files = {path.name: path.read_bytes().decode() for path in FOLDER.glob("*.svg")}
    assert files == drawings(), "draw them anew: python -m docsite"


@pytest.mark.parametrize("database", DATABASES)
def test_every_table_and_column_is_in_the_picture_of_its_database(database: str) -> None:
    written = words(f"{database}.svg")
    for table in METADATA[database].tables.values():
        place = written.index(table.name)
        assert [name for name in table.c.keys() if name not in written[place:]] == []  # noqa: SIM118
