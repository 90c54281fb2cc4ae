"""What users and plugin authors need to test their own code.

No network and no waiting: the installed providers are simulated in process, and time passes when somebody waits.

```python
from reelway import Client, Registry
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock, in_process

clock = VirtualClock()
sandbox = Sandbox(clock=clock)
provider, *_ = Registry.installed().providers
client = Client(
    provider.info.name,
    api_key="any",
    base_url=sandbox.base_url(provider.info.name),
    clock=clock,
    transport=in_process(sandbox.respond),
)
with client:
    task = client.wait(client.create("A cat.", model=provider.models.models[0].name))
    assert task.final
    assert clock.monotonic() > 1
    assert sandbox.ledger.creates == 1
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from reelway.testing.clock import VirtualClock
from reelway.testing.replay import Replay
from reelway.transport.http import in_process

if TYPE_CHECKING:
    from reelway.testing.contract.suite import ProviderContract
    from reelway.testing.ledgers.suite import LedgerContract

__all__ = ["LedgerContract", "ProviderContract", "Replay", "VirtualClock", "in_process"]

_CONTRACTS: Final = {
    "LedgerContract": "reelway.testing.ledgers",
    "ProviderContract": "reelway.testing.contract",
}


def __getattr__(name: str) -> Any:
    # The contracts want pytest and hypothesis, and whoever only wants a clock may have neither.
    if name in _CONTRACTS:
        return getattr(import_module(f"{_CONTRACTS[name]}.suite"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
