"""Damaged files of every broker: each row is kept or rejected, or one clear error refuses all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.samples.brokers import FORMATS
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument, RejectedRow
from tests.support.chance import SOAK, chance_of
from tests.support.mutations import Mutation, mutated, rows_of
from tests.support.originals import Original, original

MOST_REASONS = 40
"""A reason is one of a few phrases, so that reasons can be counted."""


@pytest.mark.parametrize("broker", FORMATS)
def test_a_damaged_file_gives_rows_or_one_clear_error(
    broker: str, tmp_path: Path, soak: Callable[[int], int]
) -> None:
    whole = original(broker, tmp_path)
    reasons: set[str] = set()
    for number in range(soak(2_000) // (1 if SOAK else 8)):
        chance = chance_of(f"damaged file {number} of {broker}")
        mutation = mutated(chance, whole.text, whole.name)
        path = tmp_path / whole.name
        path.write_bytes(mutation.content)
        try:
            rows = list(read_instruments(broker, path))
        except InvalidInput as refused:
            check_sentence(str(refused), path)
            continue
        except Exception as error:
            pytest.fail(f"{mutation.done} (file {number}) ends in {error!r}", pytrace=True)
        check_rows(rows, mutation, whole)
        reasons |= {row.reason for row in rows if isinstance(row, RejectedRow)}
    assert len(reasons) < MOST_REASONS


def check_sentence(message: str, path: Path) -> None:
    """One line for a reader of logs, which names the file."""
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400, message


def check_rows(rows: list[Instrument | RejectedRow], mutation: Mutation, whole: Original) -> None:
    """Each row of the file is accounted for, and none makes the next step fail."""
    validate = Validator({}).validate
    for row in rows:
        if isinstance(row, RejectedRow):
            assert row.reason.isprintable()
        else:
            validate(row)
    if mutation.is_sound:
        assert len(rows) in rows_of(mutation.text, has_header=whole.has_header), mutation.done
