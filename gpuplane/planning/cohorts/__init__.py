"""Kueue's quota arithmetic and admission, as pure functions: who is guaranteed, may borrow and can at most use what.

The semantics are those of Kueue v0.19.2 with its default feature gates; each module names the source file that it follows.
"""
