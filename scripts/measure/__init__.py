"""What bench, memory, pause and clients share: servers, a RESP client, the machine's facts, tables.

Standard library only, Linux only (figures come from /proc).
"""
