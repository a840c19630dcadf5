"""python -m benchmarks: run all benchmarks, or those that are named."""

import argparse
from collections.abc import Callable

from . import (
    api_keys,
    latency,
    lookup,
    memory,
    orders,
    pages,
    pnl,
    positions,
    purge,
    symbols_first,
    symbols_reload,
    validation,
    warm,
)
from .measure import Figure, table
from .setting import Setting, open_setting

BENCHMARKS: dict[str, Callable[[Setting], list[Figure]]] = {
    "symbols-first": symbols_first.run,
    "symbols-reload": symbols_reload.run,
    "validation": validation.run,
    "memory": memory.run,
    "lookup": lookup.run,
    "warm": warm.run,
    "api-keys": api_keys.run,
    "pages": pages.run,
    "pnl": pnl.run,
    "orders": orders.run,
    "positions": positions.run,
    "latency": latency.run,
    "purge": purge.run,
}


def main() -> None:
    """Print one table for each benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--postgres", metavar="URL", help="a server that may create databases")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="only this engine")
    parser.add_argument("--rows", type=int, default=200_000, help="symbols (200,000)")
    parser.add_argument(
        "--orders", type=int, default=1_000_000, help="in a book, of 250 days (1,000,000)"
    )
    parser.add_argument("--repeat", type=int, default=3, help="medians of so many runs (3)")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    engines = [chosen.engine] if chosen.engine else ["sqlite", "postgresql"]
    with open_setting(
        chosen.rows, chosen.orders, chosen.repeat, chosen.postgres, engines
    ) as setting:
        size = f"{chosen.rows:,} symbols, {chosen.orders:,} orders"
        for name in chosen.names or BENCHMARKS:
            print(f"\n{name}: {size}, median of {chosen.repeat}\n", flush=True)
            print(table(BENCHMARKS[name](setting)), flush=True)


if __name__ == "__main__":
    main()
