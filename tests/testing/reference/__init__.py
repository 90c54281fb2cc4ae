"""A provider that keeps the whole contract, made up for the proof that the contract notices what breaks it."""
