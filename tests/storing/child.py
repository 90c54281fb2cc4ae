"""What a process does that a test kills or measures: ``python -m tests.storing.child <api> <place>…``."""

from __future__ import annotations

import resource
import sys

from reelway import Account, Client
from tests.client.counting import ID, KEY


def main(api: str, *places: str) -> None:
    """Download a result to each place; print how much each added to the most memory that was in use, in KiB."""
    account = Account("infinityblue", api_key=KEY, base_url=api, requests_per_second=1000)
    with Client(account, allow_private_links=True) as client:
        for to in places:
            before = most_memory()
            client.download(ID, to)
            sys.stdout.write(f"{most_memory() - before}\n")


def most_memory() -> int:
    """The most memory that this process has had so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
