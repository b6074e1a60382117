"""A model checker of the refresh protocol: every interleaving of its statements.

``python -m proofs.model`` explores, ``--mutate`` shows that the checker can fail. What is
proved, and what is not: docs/proofs/model.md.

*   :mod:`proofs.model.state`: the rows and the statements;
*   :mod:`proofs.model.programs` and :mod:`proofs.model.others`: what each actor sends, in the
    order of the real code;
*   :mod:`proofs.model.parts`: what an exploration is given;
*   :mod:`proofs.model.database`: locks, transactions, and what others see of them;
*   :mod:`proofs.model.invariants`: what must hold after every statement;
*   :mod:`proofs.model.explorer`: the search through every state;
*   :mod:`proofs.model.scenarios`: who meets whom, from which row;
*   :mod:`proofs.model.mutants`: the same without one guard at a time;
*   :mod:`proofs.model.schedules`: the interleavings one by one, for the replay on the real code.
"""
