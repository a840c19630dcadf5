"""JSON arrays: read as a stream, and refused whole where they are not what they should be."""

import gzip
import io
import json
import tracemalloc

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.records.symbols import Instrument, RejectedRow
from tests.support.broker_files import read_text

KEYS = (
    "token", "symbol", "name", "expiry", "strike", "lotsize", "instrumenttype", "exch_seg",
    "tick_size",
)  # fmt: skip
SHARE = dict(zip(KEYS, ("7", "INFY-EQ", "INFY", "", "-1", "1", "", "NSE", "5"), strict=True))


def shares(number: int) -> list[dict[str, str]]:
    return [SHARE | {"token": str(each)} for each in range(number)]


class Trickle(io.StringIO):
    """A text that comes in bits."""

    def read(self, size: int | None = -1) -> str:
        return super().read(min(size or 0, 7))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("before", ["", "\ufeff", "\ufeff \n ", "\n" * 200_000])
def test_objects_are_put_together_from_blocks_that_end_anywhere(
    indent: int | None, before: str
) -> None:
    text = before + json.dumps(shares(300), indent=indent) + "\n"
    sources = [io.StringIO(text), Trickle(text)] if len(before) < 9 else [io.StringIO(text)]
    for source in sources:
        found = list(read_instruments("angel", source))
        assert [row.line for row in found] == list(range(1, 301))
        assert {row.token for row in found if isinstance(row, Instrument)} == set(
            map(str, range(300))
        )


def test_a_rejected_object_has_its_number_its_text_and_whose_it_is() -> None:
    bad = SHARE | {"token": ""}
    found = read_text("angel", json.dumps([SHARE, 7, bad, {}]))
    assert found[1] == RejectedRow(2, "no object", "7")
    shown = json.dumps(bad, separators=(",", ":"))
    assert found[2] == RejectedRow(3, "token is blank", shown, "NSE", "INFY-EQ")
    assert found[3] == RejectedRow(4, "too few columns", "{}")


def test_an_array_of_nothing_is_told() -> None:
    for text in ("[]", " [ \n] "):
        assert read_text("angel", text) == [RejectedRow(1, "the file has no object", "[]")]


WHOLE = json.dumps(shares(400))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\ufeff\n", "the file is empty"),
        ("<html>", "this is an HTML page"),
        ('{"status": false, "message": "Invalid Token"}', "this is no JSON array but begins with"),
        ("token,symbol\n1,INFY\n", "this is no JSON array but begins with 'token,symbol'"),
        ("null", "this is no JSON array"),
        ('["a"]', "not an instrument file of Angel: its first object lacks token, symbol"),
        ('[{"token": "1"}]', "its first object lacks symbol, exch_seg"),
        (WHOLE[: len(WHOLE) * 6 // 10], "the JSON array is cut off or damaged"),
        (WHOLE[:-1], "the JSON array is cut off or damaged"),
        (WHOLE[:-2], "the JSON array is cut off or damaged"),
        (WHOLE.replace("}, {", "} {", 1), "the JSON array is cut off or damaged"),
        (WHOLE.replace("}, {", "},, {", 1), "the JSON array is cut off or damaged"),
        (WHOLE + ']', "text follows the JSON array"),
        (WHOLE + WHOLE, "text follows the JSON array"),
        (WHOLE.replace('"symbol"', '"sym\\x"', 1), "cut off or damaged"),
        ("[" * 100_000, "an object of it is damaged, or longer than 65536 characters"),
        ("[" + json.dumps(SHARE | {"more": "x" * 200_000}) + "]", "longer than 65536 characters"),
        ("[" + json.dumps(SHARE)[:-1] + ', "n": ' + "9" * 5_000 + "}]", "cut off or damaged"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_angels_objects_to_its_end_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read_text("angel", text, "OpenAPIScripMaster.json")
    assert str(refused.value).startswith("OpenAPIScripMaster.json: ")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000_000,
        '[{"token": "' + "1" * 100_000_000,
        "[" + json.dumps(SHARE) + "," + " " * 100_000_000,
        "[1" + ",1" * 50_000_000,
    ],
    ids=["brackets", "one text", "blanks", "numbers"],
)
def test_endless_values_are_refused_before_they_are_in_memory(text: str) -> None:
    packed = io.BytesIO(gzip.compress(text.encode(), 1))
    del text
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput):
            list(read_instruments("angel", packed))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
