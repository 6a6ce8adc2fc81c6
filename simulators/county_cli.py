"""`simulators county`: write the made-up county's registry files, as the ingest and the view read them."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulators.county import Size, make_county, write_registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("folder", type=Path, help="where to write devices.toml, sites.geojson and villages.geojson")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same county (default 1)")
    for name, default in Size()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"default {default}")


def run(args: argparse.Namespace) -> int:
    """Write the files; 0."""
    county = make_county(args.seed, Size(**{name: getattr(args, name) for name in Size._fields}))
    write_registry(county, args.folder)
    print(f"{args.folder}: {len(county.villages)} villages, {len(county.sites)} sites, {len(county.devices)} devices")
    return 0
