"""Create now, finish in another process: the references stand in a file, and whoever reads it can go on.

    python resume_later.py create PROMPT...
    python resume_later.py finish [--sandbox]

Run "finish" as often as you like. --sandbox lets result links lead to this machine.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from reelway import Client, ReelwayError, SubmissionUnknown, TaskFailed

NOTES = Path("jobs.json")
"""A list of jobs: the prompt, how far it got, and the reference as soon as there is one."""


def create(client: Client, prompts: list[str]) -> None:
    """Create a task for each prompt. Each is noted before its request leaves and after the answer came."""
    jobs = read_notes()
    for prompt in prompts:
        job = {"prompt": prompt, "state": "sending"}
        jobs.append(job)
        write_notes(jobs)
        job.update(outcome_of_create(client, prompt))
        write_notes(jobs)


def outcome_of_create(client: Client, prompt: str) -> dict[str, str]:
    """What to note about one create."""
    try:
        task = client.create(prompt, model="seedance-2", duration=5)
    except SubmissionUnknown as error:
        return {"state": "unknown", "submission": error.submission_id, "sent_at": error.sent_at.isoformat()}
    except ReelwayError as error:
        return {"state": "refused", "reason": str(error)}
    return {"state": "created", "ref": str(task.ref)}


def finish(client: Client) -> None:
    """Follow every created job and store its video; whatever is still going stays for the next time."""
    jobs = read_notes()
    for job in jobs:
        if job["state"] == "created":
            job.update(outcome_of_wait(client, job["ref"]))
            write_notes(jobs)
        elif job["state"] in {"sending", "unknown"}:
            print(f"{job['prompt']!r}: look into the provider's list of tasks before you create it again")


def outcome_of_wait(client: Client, ref: str) -> dict[str, str]:
    """What to note about one job. Where the wait or the download ends early, that is nothing new."""
    try:
        task = client.wait(ref, timeout=600)
        download = client.download(task, "videos/", overwrite=True)
    except TaskFailed as error:
        return {"state": "failed", "reason": str(error)}
    except ReelwayError as error:
        print(f"{ref} is not finished: {error}")
        return {}
    print("stored", download.path)
    return {"state": "stored", "file": str(download.path), "sha256": download.sha256}


def read_notes() -> list[dict[str, str]]:
    """The jobs so far."""
    return json.loads(NOTES.read_text()) if NOTES.exists() else []


def write_notes(jobs: list[dict[str, str]]) -> None:
    """Replace the notes in one step, so that a process that is killed here leaves the old ones or the new ones."""
    fresh = NOTES.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(jobs, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(NOTES)


if __name__ == "__main__":
    with Client("cometapi", allow_private_links="--sandbox" in sys.argv) as client:
        match sys.argv[1:]:
            case ["create", *prompts]:
                create(client, prompts)
            case ["finish", *_]:
                finish(client)
            case _:
                sys.exit(__doc__)
