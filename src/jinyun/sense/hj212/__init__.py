"""HJ 212 (HJ/T 212-2005, HJ 212-2017, what is known of HJ 212-2025): a sans-I/O codec, a device side and a centre.

Bytes in: `framing.Framer` → `packet.parse` → `content.decode`. Bytes out: `compose`. Words: `codes`.
"""
