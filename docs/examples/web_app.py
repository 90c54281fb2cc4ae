"""A web application around video jobs: submit and status, callbacks, and a tracker that stores videos in a bucket.

    PROVIDER=octopusx PUBLIC_URL=https://app.example.com VIDEOS=s3://videos/{id}.mp4 uvicorn web_app:app

Keys are read from the environment, those of the provider and of the bucket. SANDBOX=1 lets result links lead to
this machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from reelway import AsyncClient, InvalidRequest, ReelwayError, SubmissionUnknown, TaskRef, open_ledger
from reelway.server import CallbackReceiver, hide_tokens
from reelway.tracker import Tracker

PROVIDER = os.environ["PROVIDER"]
CALLBACKS = f"{os.environ['PUBLIC_URL']}/callbacks"
VIDEOS = os.environ["VIDEOS"]
SANDBOX = bool(os.environ.get("SANDBOX"))

STATUSES = {InvalidRequest: 422, SubmissionUnknown: 504}
"""What the browser is told of an error; anything else is the provider's or ours, and no reason to pay again."""

hide_tokens()
ledger = open_ledger(os.environ.get("REELWAY_LEDGER", "sqlite:jobs.db"))


class Wish(BaseModel):
    """What a visitor asks for."""

    prompt: str
    model: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow every job of the ledger for as long as the application runs, those of earlier runs included."""
    stop = asyncio.Event()
    async with (
        AsyncClient(PROVIDER, ledger=ledger, callbacks=CALLBACKS, allow_private_links=SANDBOX) as app.state.client,
        Tracker(ledger, PROVIDER, download_to=VIDEOS, allow_private_links=SANDBOX) as tracker,
    ):
        following = asyncio.create_task(tracker.run(stop))
        yield
        stop.set()
        await following


app = FastAPI(lifespan=lifespan)
app.mount("/callbacks", CallbackReceiver(ledger))


@app.post("/videos", status_code=202)
async def submit(wish: Wish, request: Request, idempotency_key: Annotated[str, Header()]) -> dict[str, str]:
    """Create a job. A form that is sent twice, with the same Idempotency-Key, is one job and one bill."""
    client: AsyncClient = request.app.state.client
    task = await client.create(wish.prompt, model=wish.model, idempotency_key=idempotency_key)
    return {"job": str(task.ref)}


@app.get("/videos")
def status(job: str) -> dict[str, object]:
    """How a job stands, as the ledger knows it: nothing is asked of the provider, however often a page asks."""
    try:
        entry = ledger.find(TaskRef.parse(job))
    except ValueError:
        entry = None
    if entry is None or entry.task is None:
        raise HTTPException(404)
    stored = [result.location for result in entry.results]
    return {"status": entry.task.status, "progress": entry.task.progress, "stored": stored}


@app.exception_handler(ReelwayError)
async def tell(request: Request, error: ReelwayError) -> JSONResponse:
    """Tell what went wrong, and whether asking again may be paid for twice."""
    told = {"error": error.message, "resubmit_safe": error.resubmit_safe}
    return JSONResponse(told, status_code=STATUSES.get(type(error), 502))
