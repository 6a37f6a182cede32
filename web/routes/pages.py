"""The client's page and files."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from web import pages
from web.served import ServedPark

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def index(served: ServedPark, request: Request) -> Response:
    """The viewer."""
    return await pages.page(served.settings.static_folder, request)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
async def asset(served: ServedPark, request: Request, path: str) -> Response:
    """A file of the viewer."""
    found = await pages.file(served.settings.static_folder, path, request)
    if found is None:
        raise HTTPException(404)
    return found
