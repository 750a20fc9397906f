"""Comparisons of pgqueue with its peers, round by round, each in an environment of its own.

A peer is a folder of `adapters/`. Its `peer.toml` has its packages, its settings and the SQL that
counts its finished jobs; its `adapter.py` or `adapter.mjs` does the work. The adapters, `verbs` and
`job` run in the peer's environment, and import only the standard library and the peer. All other
files run in the environment of pgqueue.
"""
