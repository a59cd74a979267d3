"""Use cases of `jinyun simulate` and `jinyun replay`: the door between the verbs and the simulator."""

from __future__ import annotations

from jinyun.sim.replay import Replay, load, replay, write_registry
from jinyun.sim.run import Simulation, record_to, simulate

__all__ = ["Replay", "Simulation", "load", "record_to", "replay", "simulate", "write_registry"]
