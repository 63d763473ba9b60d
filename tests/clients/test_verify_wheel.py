"""The wheel of authapp-verify."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.clients.services import PACKAGE


def test_the_wheel_has_the_package_with_its_types_and_needs_no_framework(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=PACKAGE, check=True, capture_output=True)
    [path] = tmp_path.iterdir()
    wheel = zipfile.ZipFile(path)
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    sources = {f"authapp_verify/{each.name}" for each in (Path(PACKAGE) / "authapp_verify").iterdir() if each.is_file()}
    assert packed == sources >= {"authapp_verify/py.typed"}
    [metadata] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    needed = [line for line in wheel.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    assert [line for line in needed if "extra" not in line] == [
        "Requires-Dist: pyjwt[crypto]<3,>=2.10", "Requires-Dist: urllib3<3,>=2.2",
    ]  # fmt: skip


def test_the_package_imports_no_framework() -> None:
    program = "import sys, authapp_verify; print(sorted({'flask', 'fastapi', 'django', 'sqlalchemy'} & {*sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": PACKAGE}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
