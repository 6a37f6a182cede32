"""The evidence of a kept run, as one file that `twin verify` computes again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from fastapi import APIRouter, Response

from twin.errors import Conflict
from twin.evidence.bundle import again, bundle
from web.served import ServedPark

router = APIRouter(prefix="/api", tags=["measures"])


@router.get("/evidence/{run}", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def get_evidence(served: ServedPark, run: str, *, inputs: bool = True) -> Response:
    """A bundle with what went in and what came out; refused where the park is no longer as it was then."""
    result = again(served.store, served.store.run(run)["result"])
    if result.run != run:
        raise Conflict("evidence_outdated", subject=run)
    with TemporaryDirectory(prefix="twin-evidence-") as temporary:
        folder = Path(temporary) / run
        bundle(served.store, [result], folder, inputs=inputs)
        packed = Path(temporary) / "evidence.zip"
        _pack(folder, packed)
        headers = {"content-disposition": f'attachment; filename="{run}.zip"', "cache-control": "no-store"}
        return Response(packed.read_bytes(), media_type="application/zip", headers=headers)


def _pack(folder: Path, packed: Path) -> None:
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent).as_posix())
