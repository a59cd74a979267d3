"""The words every room says. Pure: no clock, disk, network or print."""
