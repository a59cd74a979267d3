"""The node's clock: the system's, or a scaled one that it shares with the simulator."""

from jinyun.sim.clock import ScaledClock, SystemClock, clock_of

__all__ = ["ScaledClock", "SystemClock", "clock_of"]
