"""Generate `src/connexa/wire/v1` from `proto/`; `--check` tells whether what is committed is what the sources say.

The generated modules are committed so that an installation needs no compiler. protoc writes imports by the path of the
proto files (`connexa.v1`); ours live in the wire room, so the import lines are rewritten and nothing else.
"""

from __future__ import annotations

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
TARGET = ROOT / "src" / "connexa" / "wire" / "v1"
FACE = '"""Generated from `proto/connexa/v1` by `make wire`; do not edit."""\n'


def generate(into: Path) -> dict[str, str]:
    """Compile every proto file and return {file name: text} with the imports of the wire room."""
    protos = sorted(str(p.relative_to(SOURCE)) for p in SOURCE.rglob("*.proto"))
    well_known = str(files("grpc_tools") / "_proto")
    args = ["protoc", f"-I{SOURCE}", f"-I{well_known}", f"--python_out={into}", f"--pyi_out={into}", f"--grpc_python_out={into}"]
    if protoc.main([*args, *protos]) != 0:
        raise SystemExit("protoc failed")
    out = {"__init__.py": FACE}
    for path in sorted((into / "connexa" / "v1").iterdir()):
        text = re.sub(r"^from connexa\.v1 import", "from connexa.wire.v1 import", path.read_text(), flags=re.M)
        if path.name.endswith("_pb2_grpc.py") and "Servicer" not in text:
            continue  # a proto file without a service
        out[path.name] = text
    return out


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        wanted = generate(Path(scratch))
    present = {p.name: p.read_text() for p in TARGET.glob("*.py*") if p.is_file()}
    if "--check" in sys.argv:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        print(f"stale: {', '.join(stale)}; run make wire" if stale else "the generated wire code is what proto/ says")
        return 1 if stale else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (TARGET / name).unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
