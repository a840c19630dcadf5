"""Chance in tests: the same in every run, fresh in a soak; OPENALGO_TEST_SEED repeats a soak's."""

import os
import secrets
from random import Random

SOAK = os.environ.get("OPENALGO_SOAK", "") == "1"
SEED = os.environ.get("OPENALGO_TEST_SEED", "")
if SOAK and not SEED:
    SEED = str(secrets.randbits(32))
    os.environ["OPENALGO_TEST_SEED"] = SEED  # for the processes that tests start


def chance_of(what: object) -> Random:
    """What is drawn for one thing, whatever else is drawn elsewhere."""
    return Random(f"{SEED} {what}")


def load_hypothesis_profile() -> None:
    """How many examples hypothesis draws, and whether they are new ones."""
    from hypothesis import HealthCheck, settings  # which few of the processes need

    settings.register_profile(
        "tests",
        max_examples=1000 if SOAK else 100,
        derandomize=not SEED,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("tests")
