"""One folder per subject: standards, formulas, records. Pure: no clock, disk, network or print."""
