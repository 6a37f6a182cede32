"""What goes wrong, told over HTTP: the one place that knows which error is which status.

Bodies are RFC 9457 problem details; `type` is `/problems/<code>` with the code of the message catalogue, so it stays when sentences
change. The language follows Accept-Language. A fault of ours carries an id that the log has too, and nothing of the stack.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.errors import (
    Conflict,
    CRSError,
    MeasureError,
    MissingInput,
    NotFound,
    OutsideValidity,
    PackError,
    SourceError,
    StoreError,
    TileError,
    TwinError,
    UnknownParameter,
    UsageError,
)
from twin.i18n import message
from web.language import language


class Forbidden(UsageError):
    """Who asks may not do this."""


class Unavailable(StoreError):
    """The server cannot answer yet."""


STATUS: Mapping[type[TwinError], int] = {
    Forbidden: 403,
    UsageError: 400,
    UnknownParameter: 400,
    NotFound: 404,
    TileError: 404,
    Conflict: 409,
    MissingInput: 409,
    OutsideValidity: 422,
    CRSError: 422,
    SourceError: 422,
    MeasureError: 422,
    Unavailable: 503,
    PackError: 500,
    StoreError: 500,
    TwinError: 500,
}
CODES: Mapping[int, str] = {
    400: "http_bad_request",
    403: "http_forbidden",
    404: "http_not_found",
    405: "http_method_not_allowed",
    406: "http_not_acceptable",
    413: "http_too_large",
    415: "http_media_type",
    421: "http_misdirected",
    422: "http_invalid",
    503: "http_unavailable",
}

log = logging.getLogger("parktwin.web")


class Problem(BaseModel):
    """A problem as RFC 9457 tells it."""

    type: str = Field(examples=["/problems/not_registered"])
    title: str
    status: int
    detail: str
    hint: str = ""
    instance: str | None = Field(default=None, description="The id of a fault of the server, as its log has it.")
    errors: list[dict[str, Any]] | None = Field(default=None, description="What is wrong with which part of the request.")


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be met", "model": Problem},
    "5XX": {"description": "The server failed", "model": Problem},
}


def status_of(error: TwinError) -> int:
    """The HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def respond(error: TwinError, lang: str, *, status: int | None = None, errors: Sequence[Mapping[str, Any]] | None = None) -> Response:
    """The response that tells `error` in `lang`."""
    status = status or status_of(error)
    if status == 500:
        return respond_fault(error, lang)
    problem = Problem(
        type=f"/problems/{error.code}",
        title=message(f"http_title_{status}", lang),
        status=status,
        detail=error.text(lang),
        hint=error.hint(lang),
        errors=[dict(entry) for entry in errors] if errors is not None else None,
    )
    return _response(problem)


def respond_fault(error: Exception, lang: str) -> Response:
    """The response to a fault of ours: an id, which the log has with the whole story."""
    fault = TwinError("http_fault", subject=uuid4().hex[:12])
    log.error("fault %s", fault.subject, exc_info=error)
    problem = Problem(
        type="/problems/http_fault",
        title=message("http_title_500", lang),
        status=500,
        detail=fault.text(lang),
        hint=fault.hint(lang),
        instance=fault.subject,
    )
    return _response(problem)


def install(app: FastAPI) -> None:
    """Tell all errors of `app` as problems."""
    app.add_exception_handler(TwinError, _on_twin_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def faults_told(app: ASGIApp) -> ASGIApp:
    """`app`, with whatever it fails to catch told as a problem: nothing of ours reaches the wire as a stack trace."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(event: Message) -> None:
            nonlocal started
            started = started or event["type"] == "http.response.start"
            await send(event)

        try:
            await app(scope, receive, watch if scope["type"] == "http" else send)
        except Exception as error:
            if scope["type"] != "http" or started:  # too late for another answer: the server closes the connection
                raise
            told_as = respond(error, language(scope)) if isinstance(error, TwinError) else respond_fault(error, language(scope))
            await told_as(scope, receive, send)

    return told


async def _on_twin_error(request: Request, error: Exception) -> Response:
    return respond(error, language(request.scope)) if isinstance(error, TwinError) else respond_fault(error, language(request.scope))


async def _on_invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [{"loc": list(entry["loc"]), "type": entry["type"], "msg": entry["msg"]} for entry in found]
    where = ", ".join(".".join(map(str, entry["loc"][1:])) or str(entry["loc"][0]) for entry in errors)
    return respond(UsageError("http_invalid", subject=where), language(request.scope), status=422, errors=errors)


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status >= 500 and status not in CODES:
        return respond_fault(error, language(request.scope))
    told = TwinError(CODES.get(status, "http_bad_request"), subject=request.url.path, method=request.method)
    response = respond(told, language(request.scope), status=status)
    for name, value in (getattr(error, "headers", None) or {}).items():
        response.headers[name] = value  # Allow, of a 405
    return response


def _response(problem: Problem) -> Response:
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, {"cache-control": "no-store", "vary": "accept-language"}, "application/problem+json")
