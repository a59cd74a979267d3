"""Notices: what is told of an event, to whom, when and over which way. The outbox is a port."""
