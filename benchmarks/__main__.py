"""python -m benchmarks: measure all subjects, or those that are named, and judge them."""

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import (
    api_keys,
    copies,
    growth,
    latency,
    lookup,
    memory,
    orders,
    pages,
    pnl,
    positions,
    purge,
    readers,
    reads,
    realized_pnl,
    records,
    report,
    searches,
    start,
    symbols_first,
    symbols_reload,
    tables,
    validation,
    warm,
    writers,
)
from .facts import facts_of
from .measure import Figure
from .report import Run
from .scale import FULL, QUICK, Scale
from .setting import Setting, open_setting

SUBJECTS: dict[str, Callable[[Setting], list[Figure]]] = {
    "orders": orders.run,
    "reads": reads.run,
    "pages": pages.run,
    "records": records.run,
    "pnl": pnl.run,
    "realized-pnl": realized_pnl.run,
    "positions": positions.run,
    "lookup": lookup.run,
    "searches": searches.run,
    "api-keys": api_keys.run,
    "symbols-first": symbols_first.run,
    "symbols-reload": symbols_reload.run,
    "validation": validation.run,
    "memory": memory.run,
    "warm": warm.run,
    "readers": readers.run,
    "writers": writers.run,
    "growth": growth.run,
    "latency": latency.run,
    "purge": purge.run,
    "copies": copies.run,
    "start": start.run,
}


def main() -> None:
    """Print a table for each subject and, of a whole run, one of the targets; write the page."""
    parser = _parser()
    chosen = parser.parse_args()
    logging.getLogger("openalgo_store").setLevel(logging.ERROR)  # it tells of slow statements
    if unknown := set(chosen.names) - set(SUBJECTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if chosen.write and (chosen.names or chosen.engine):
        parser.error("--write takes a whole run: every subject on both engines")
    if chosen.save and chosen.load:
        parser.error("--save keeps a new run: what --load gives is kept already")
    runs = [report.load(file) for file in chosen.load] or [_measured(chosen)]
    figures = [list(run.figures) for run in runs]
    if not chosen.names:
        print(f"\n{tables.of_targets(*figures)}")
    print(f"\n{tables.count_of_targets(*figures)}")
    if chosen.save:
        report.save(runs[0], chosen.save)
    if chosen.write:
        report.write(*runs)


def _measured(chosen: argparse.Namespace) -> Run:
    engines = [chosen.engine] if chosen.engine else ["sqlite", "postgresql"]
    subjects: dict[str, list[Figure]] = {}
    with open_setting(_scale(chosen), chosen.postgres, engines) as setting:
        for name in chosen.names or SUBJECTS:
            began = time.perf_counter()
            subjects[name] = SUBJECTS[name](setting)
            print(f"\n{name}: {time.perf_counter() - began:.0f} s\n")
            print(tables.of_figures(subjects[name]), flush=True)
        facts = facts_of(setting)
    return Run(facts, subjects)


def _scale(chosen: argparse.Namespace) -> Scale:
    given = {
        name: getattr(chosen, name)
        for name in ("symbols", "orders", "rounds", "repeat")
        if getattr(chosen, name) is not None
    }
    return replace(QUICK if chosen.quick else FULL, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="small counts, all in two minutes")
    parser.add_argument("--postgres", metavar="URL", help="a server that may create databases")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="only this engine")
    for name, meaning in (
        ("symbols", "in a day's file"),
        ("orders", "in a book of 250 days, a multiple of 2,500"),
        ("rounds", "of what takes microseconds"),
        ("repeat", "rounds of what takes seconds"),
    ):
        whole = f"{meaning} ({getattr(FULL, name):,}; quick {getattr(QUICK, name):,})"
        parser.add_argument(f"--{name}", type=int, metavar="N", help=whole)
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep every round as JSON")
    parser.add_argument(
        "--load", type=Path, metavar="FILE", action="append", default=[],
        help="a kept run, instead of a new one; given again, the targets tell of that one as well",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="rewrite docs/benchmarks.md and .svg")
    return parser


if __name__ == "__main__":
    main()
