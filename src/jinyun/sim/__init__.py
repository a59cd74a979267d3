"""The district in a box and the replayer: clients of the outside of the house, with a truth the house never sees."""
