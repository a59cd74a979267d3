"""Care of a node: what is kept how long, when the disk is full, backup, restore, checking, the doctor's page."""
