"""Use cases in sentences: what a page or a verb may ask of the house. Answers are dicts ready for JSON."""
