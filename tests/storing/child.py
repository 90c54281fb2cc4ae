"""What a process does that a test kills or measures: ``python -m tests.storing.child <api> <place>…``."""

from __future__ import annotations

import sys

from reelway import Account, Client
from tests.benchmarks.measure import peak_memory
from tests.client.counting import ID, KEY


def main(api: str, *places: str) -> None:
    """Download a result to each place; print by how many bytes each raised the most that was held at once."""
    account = Account("infinityblue", api_key=KEY, base_url=api, requests_per_second=1000)
    with Client(account, allow_private_links=True) as client:
        for to in places:
            before = peak_memory()
            client.download(ID, to)
            sys.stdout.write(f"{peak_memory() - before}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
