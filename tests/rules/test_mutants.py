"""The list of mutants does not rot: each mistake can still be made, each of its tests is there."""

import pytest

from tests.mutants.__main__ import ROOT
from tests.mutants.mutation import Mutation
from tests.mutants.mutations import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mistake_can_be_made_in_one_place_and_has_its_tests(mutation: Mutation) -> None:
    source = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert mutation.applied(source) != source
    for test in mutation.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
