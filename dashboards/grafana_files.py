"""Grafana's JSON files beside the code: written from the catalogue, compared with it, never edited by hand."""

from __future__ import annotations

from pathlib import Path

from dashboards.catalogue import CATALOGUE
from dashboards.grafana import written


def write(folder: Path) -> list[str]:
    """Write every dashboard; remove the file of one that is no more. The names written."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{page.uid}.json" for page in CATALOGUE]
    for old in folder.glob("*.json"):
        if old.name not in names:
            old.unlink()
    for page in CATALOGUE:
        (folder / f"{page.uid}.json").write_text(written(page), "utf-8")
    return names


def differences(folder: Path) -> list[str]:
    """A line for each file that is not what the code says; none: the folder is current."""
    found = []
    names = {f"{page.uid}.json": page for page in CATALOGUE}
    for name, page in names.items():
        path = folder / name
        if not path.exists():
            found.append(f"{name}: missing")
        elif path.read_text("utf-8") != written(page):
            found.append(f"{name}: differs from the code; run `dashboards write`")
    found.extend(f"{old.name}: no dashboard of that name" for old in folder.glob("*.json") if old.name not in names)
    return found
