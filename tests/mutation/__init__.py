"""Whether the tests notice: the program is changed in one small place at a time, and some test has to fail.

What each module here answers:

* ``targets``: what is mutated, and which tests have to notice; both are written in ``targets.toml``.
* ``functions``: mutants of functions, made and run by mutmut.
* ``tables``: mutants of what mutmut leaves alone, the tables above all; ``edits`` are the changes that make them.
* ``trial``: runs a mutant of a whole module in a process of its own.
* ``verdict``: compares what survived with ``survivors.toml``, where each has its reason.

``nox -s mutation`` runs all of it, ``nox -s mutation -- lifecycle`` one target.
"""
