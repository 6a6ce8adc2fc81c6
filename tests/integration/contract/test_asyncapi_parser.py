"""The official AsyncAPI parser reads the committed document."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(300)
def test_the_official_parser_finds_the_document_valid():
    if shutil.which("npm") is None:
        missing("npm is not installed: apt-get install nodejs npm")
    # Kept between runs beside the virtual environment, which is ignored by git too.
    folder = ROOT / "var" / "asyncapi"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "validate.mjs"):
        shutil.copy(ROOT / "tests" / "asyncapi" / name, folder / name)
    if not (folder / "node_modules" / "@asyncapi" / "parser").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, timeout=240)
    command = ["node", "validate.mjs", str(ROOT / "asyncapi.yaml")]
    found = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "valid: 4 channels" in found.stdout
