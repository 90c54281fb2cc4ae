"""The contract suite: what every provider has to do, as named checks that plugin authors run on their own.

``ProviderContract`` runs it with pytest, ``reelway conform`` without; both run the checks of
:mod:`reelway.testing.contract.checks`.
"""
