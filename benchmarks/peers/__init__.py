"""The same work done by pgqueue and its peers in turns, each in an environment of its own.

A peer is a folder of `adapters/`: `peer.toml` tells what to install, how its settings were chosen
and how to see in its tables what is finished; `adapter.py` or `adapter.mjs` does the work with it.
Files of that name, `verbs` and `job` run in the peer's environment, and import nothing but the
standard library and the peer; all others run in pgqueue's.
"""
